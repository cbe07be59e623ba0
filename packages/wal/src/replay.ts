import { readFully, showBytes, type FileHandle, type FileSystem, type ShownBytes } from '@se/core'
import { LogDamaged, LogUnreadable } from './errors.ts'
import {
  decodeGroupHeader,
  decodeSegmentHeader,
  GROUP_HEADER_BYTES,
  segmentFileName,
  SEGMENT_HEADER_BYTES,
} from './format.ts'
import { payloadsOf } from './group.ts'
import { describeEnd, readGroup, type ScanPosition } from './scan.ts'

const CHUNK_BYTES = 256 * 1024

export class LogRecord {
  readonly sequence: number
  /** A view into a buffer shared with its neighbours, which is not written to any more. */
  readonly bytes: Uint8Array

  constructor(sequence: number, bytes: Uint8Array) {
    this.sequence = sequence
    this.bytes = bytes
  }

  toJSON(): { sequence: number; bytes: ShownBytes } {
    return { sequence: this.sequence, bytes: showBytes(this.bytes) }
  }
}

/**
 * The records of one segment, a group at a time, each checked as it is read.
 *
 * @param segment its id, and the sequence of its first record
 * @param from first sequence wanted
 * @param through last sequence to read; the caller knows that it is in the segment and written
 * @throws LogDamaged, LogUnreadable
 */
export async function* replaySegment(
  fileSystem: Pick<FileSystem, 'open'>,
  directory: string,
  segment: { readonly id: number; readonly firstSequence: number },
  from: number,
  through: number,
): AsyncGenerator<LogRecord[]> {
  const file = segmentFileName(segment.id)
  const handle = await readable(file, fileSystem.open(`${directory}/${file}`, 'read'))
  try {
    const reader = new SegmentReader(file, handle)
    await reader.load(0, SEGMENT_HEADER_BYTES)
    const reading = decodeSegmentHeader(reader.bytes)
    if (reading.kind !== 'header') throw damaged(file, 0, 'the header of the segment is damaged')
    reader.end = reading.header.segmentBytes
    let position: ScanPosition = {
      offset: SEGMENT_HEADER_BYTES,
      nextSequence: segment.firstSequence,
      previousCrc: reading.header.previousCrc,
    }
    while (position.nextSequence <= through) {
      await reader.loadGroup(position.offset, segment.id)
      const { bytes, view, start } = reader
      const inChunk = { ...position, offset: position.offset - start }
      const group = readGroup(bytes, view, segment.id, inChunk)
      if (group === undefined) {
        const problem = describeEnd(bytes, view, segment.id, inChunk.offset, position.nextSequence)
        throw damaged(file, position.offset, problem)
      }
      if (group.lastSequence >= from) {
        const records: LogRecord[] = []
        let sequence = group.header.firstSequence
        for (const payload of payloadsOf(bytes, view, inChunk.offset, group.header)) {
          if (sequence >= from && sequence <= through) records.push(new LogRecord(sequence, payload))
          sequence++
        }
        yield records
      }
      position = {
        offset: position.offset + group.header.groupBytes,
        nextSequence: group.lastSequence + 1,
        previousCrc: group.crc,
      }
    }
  } finally {
    await readable(file, handle.close())
  }
}

/** Gives the file system's errors a type. */
async function readable<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    throw new LogUnreadable(`${file} cannot be read: ${String(error)}`, { cause: error, details: { file } })
  }
}

/** A window on a segment file. Each load that must read takes fresh memory, because records point into the old. */
class SegmentReader {
  readonly #file: string
  readonly #handle: FileHandle
  bytes: Uint8Array = new Uint8Array(0)
  view = new DataView(this.bytes.buffer)
  /** Offset of the window in the file. */
  start = 0
  /** Where reading ahead stops. */
  end = SEGMENT_HEADER_BYTES

  constructor(file: string, handle: FileHandle) {
    this.#file = file
    this.#handle = handle
  }

  /** Makes the window hold these bytes of the file, or as many as it has. */
  async load(offset: number, length: number): Promise<void> {
    if (offset >= this.start && offset + length <= this.start + this.bytes.length) return
    const chunk = new Uint8Array(Math.max(length, Math.min(CHUNK_BYTES, this.end - offset)))
    const done = await readable(this.#file, readFully(this.#handle, chunk, offset))
    this.bytes = chunk.subarray(0, done)
    this.view = new DataView(chunk.buffer, 0, done)
    this.start = offset
  }

  /** Makes the window hold the group that starts there, if one does. */
  async loadGroup(offset: number, segmentId: number): Promise<void> {
    await this.load(offset, GROUP_HEADER_BYTES)
    const header = decodeGroupHeader(this.bytes, this.view, offset - this.start, segmentId)
    if (header !== undefined) await this.load(offset, header.groupBytes)
  }
}

function damaged(file: string, offset: number, problem: string): LogDamaged {
  return new LogDamaged(`${file} is damaged at byte ${offset}: ${problem}`, {
    details: { file, offset, problem },
  })
}
