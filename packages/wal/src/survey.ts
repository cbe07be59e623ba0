/** Reads a whole log directory and changes nothing: what recovery, repair and the command line judge by. */
import type { FileSystem, StorageError } from '@se/core'
import { LogDamaged, LogFormatUnknown, SegmentMissing } from './errors.ts'
import {
  decodeSegmentHeader,
  GROUP_CLOSES_LOG,
  readFileName,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
  type SegmentHeader,
} from './format.ts'
import type { DecodedGroup } from './group.ts'
import { judgeTail, scanGroups, type ScanPosition, type Tail } from './scan.ts'

/** One segment file that was read. */
export interface SurveyedSegment {
  readonly segmentId: number
  readonly file: string
  readonly header: SegmentHeader
  readonly groupCount: number
  /** Sequence of its first record, or the next sequence if it has none. */
  readonly firstSequence: number
  /** Sequence of its last record; one before `firstSequence` if it has none. */
  readonly lastSequence: number
  /** Offset behind its last good group, bytes. */
  readonly end: number
  /** The greatest offset that one of its groups knows to be synced, bytes. */
  readonly durableBytes: number
}

/** The first thing that is wrong, and where. */
export interface Finding {
  readonly error: StorageError
  /** Segment in which the good part of the log ends; undefined if there is no good part. */
  readonly segmentId: number | undefined
  /** The segments that are there are whole, but older ones are gone. */
  readonly isFrontMissing: boolean
}

export interface Survey {
  readonly logId: string | undefined
  /** In order of their ids; up to the first finding. Prepared ones, without any group, are last. */
  readonly segments: readonly SurveyedSegment[]
  /** The last segment that has been written to, or was about to be. */
  readonly last: SurveyedSegment | undefined
  /** All of the last segment's file. */
  readonly lastBytes: Uint8Array
  readonly position: ScanPosition
  /** How the last segment ends: clean or torn; damage is a finding. */
  readonly tail: Tail
  readonly releasedThrough: number
  /** The last group says that the log was closed in order. */
  readonly isClosed: boolean
  readonly bytesRead: number
  readonly spares: readonly string[]
  readonly finding: Finding | undefined
}

export interface SurveyPorts {
  readonly fileSystem: Pick<FileSystem, 'list' | 'open'>
  /** Told of each good group, in order. */
  onGroup?(group: DecodedGroup, segmentId: number, offset: number, bytes: Uint8Array): void
}

/** @throws only what the file system throws */
export async function surveyLog(directory: string, ports: SurveyPorts): Promise<Survey> {
  const names = await ports.fileSystem.list(directory)
  const spares: string[] = []
  const ids: number[] = []
  for (const name of names) {
    const read = readFileName(name)
    if (read?.kind === 'segment') ids.push(read.segmentId)
    else if (read?.kind === 'spare') spares.push(name)
  }
  ids.sort((a, b) => a - b)
  const surveyor = new Surveyor(directory, ports)
  for (const id of ids) {
    await surveyor.readSegment(id)
    if (surveyor.finding !== undefined) break
  }
  return surveyor.finish(spares.sort())
}

/** Where the survey stands; lives for one survey. */
class Surveyor {
  readonly #directory: string
  readonly #ports: SurveyPorts
  readonly #segments: SurveyedSegment[] = []
  #logId: string | undefined
  #last: SurveyedSegment | undefined
  #lastBytes: Uint8Array = new Uint8Array(0)
  /** Memory of a segment that is no longer the last, to read another into. */
  #freeMemory = new ArrayBuffer(0)
  #position: ScanPosition = { offset: SEGMENT_HEADER_BYTES, nextSequence: 1, previousCrc: 0 }
  #releasedThrough = 0
  #isClosed = false
  #bytesRead = 0
  finding: Finding | undefined

  constructor(directory: string, ports: SurveyPorts) {
    this.#directory = directory
    this.#ports = ports
  }

  async readSegment(segmentId: number): Promise<void> {
    const before = this.#segments.at(-1)
    if (before !== undefined && segmentId !== before.segmentId + 1) {
      const file = segmentFileName(before.segmentId + 1)
      this.#find(
        before,
        new SegmentMissing(
          `${file} is missing: ${before.file} is there, and so is ${segmentFileName(segmentId)}`,
          {
            details: { file, lastGoodSequence: this.#position.nextSequence - 1 },
          },
        ),
      )
      return
    }
    const file = segmentFileName(segmentId)
    const bytes = await this.#read(file)
    const header = this.#readHeader(file, segmentId, bytes, before)
    if (header === undefined) return
    if (!header.isPrepared && !this.#follows(header, file, before)) return
    if (header.isPrepared && this.#last !== undefined) this.#readPrepared(file, header, bytes)
    else this.#readUsed(file, header, bytes)
    if (bytes.length < header.segmentBytes) {
      const problem = `the file has ${bytes.length} bytes of ${header.segmentBytes}; a power cut does not shorten it`
      this.#findDamage(this.#segments.at(-1), file, bytes.length, problem)
    }
  }

  finish(spares: readonly string[]): Survey {
    let tail: Tail = { kind: 'clean' }
    const last = this.#last
    if (last !== undefined && this.finding === undefined) {
      tail = judgeTail(this.#lastBytes, last.segmentId, last.end, this.#position.nextSequence)
      if (tail.kind === 'damaged') this.#findTail(last, tail)
    }
    this.#checkFront()
    return {
      logId: this.#logId,
      segments: this.#segments,
      last,
      lastBytes: this.#lastBytes,
      position: this.#position,
      tail,
      releasedThrough: this.#releasedThrough,
      isClosed: this.#isClosed,
      bytesRead: this.#bytesRead,
      spares,
      finding: this.finding,
    }
  }

  /** Only released segments may be gone, and the first of all is the only one that may be alone and unused. */
  #checkFront(): void {
    const first = this.#segments[0]
    if (first === undefined || this.finding !== undefined) return
    const isBare = first.header.isPrepared && first.segmentId > 1
    const isGap = first.firstSequence > this.#releasedThrough + 1
    if (!isBare && !isGap) return
    const file = segmentFileName(Math.max(1, first.segmentId - 1))
    const error = new SegmentMissing(
      isBare
        ? `${file} is missing: ${first.file} was prepared to follow it`
        : `${file} is missing: records ${this.#releasedThrough + 1} to ${first.firstSequence - 1} were not released`,
      { details: { file, lastGoodSequence: this.#releasedThrough } },
    )
    this.#find(undefined, error, !isBare)
  }

  #readHeader(
    file: string,
    segmentId: number,
    bytes: Uint8Array,
    before: SurveyedSegment | undefined,
  ): SegmentHeader | undefined {
    const reading = decodeSegmentHeader(bytes)
    if (reading.kind === 'foreign') {
      this.#find(before, new LogFormatUnknown(`${file} is no segment of a log`, { details: { file } }))
      return undefined
    }
    if (reading.kind === 'newer') {
      this.#find(
        before,
        new LogFormatUnknown(`${file} has format ${reading.version}, newer than this version reads`, {
          details: { file, version: reading.version },
        }),
      )
      return undefined
    }
    if (reading.kind === 'damaged') {
      this.#findDamage(before, file, 0, 'the header of the segment is damaged')
      return undefined
    }
    const { header } = reading
    this.#logId ??= header.logId
    if (header.logId !== this.#logId) {
      this.#find(
        before,
        new LogFormatUnknown(`${file} belongs to another log than the segments before it`, {
          details: { file },
        }),
      )
    } else if (header.segmentId !== segmentId) {
      this.#findDamage(before, file, 0, `the header is that of segment ${header.segmentId}`)
    } else {
      return header
    }
    return undefined
  }

  /** Whether the segment goes on where the one before ended. */
  #follows(header: SegmentHeader, file: string, before: SurveyedSegment | undefined): boolean {
    const last = this.#last
    if (last === undefined) {
      this.#position = {
        offset: SEGMENT_HEADER_BYTES,
        nextSequence: header.firstSequence,
        previousCrc: header.previousCrc,
      }
      this.#releasedThrough = 0
      return true
    }
    const { nextSequence, previousCrc } = this.#position
    if (header.firstSequence === nextSequence && header.previousCrc === previousCrc && last === before)
      return true
    const tail = judgeTail(this.#lastBytes, last.segmentId, last.end, nextSequence)
    const problem =
      tail.kind === 'damaged'
        ? tail.problem
        : `${file} starts at ${header.firstSequence}, not at ${nextSequence}`
    this.#findDamage(last, last.file, last.end, problem, [
      ...(tail.kind === 'damaged' ? tail.follows : []),
      { file, firstSequence: header.firstSequence },
    ])
    return false
  }

  #readUsed(file: string, header: SegmentHeader, bytes: Uint8Array): void {
    const { segmentId } = header
    const start: ScanPosition = { ...this.#position, offset: SEGMENT_HEADER_BYTES }
    let groupCount = 0
    let durableBytes = 0
    const position = scanGroups(bytes.subarray(0, header.segmentBytes), segmentId, start, (group, offset) => {
      groupCount++
      durableBytes = group.head.durableBytes
      this.#releasedThrough = group.head.releasedThrough
      this.#isClosed = (group.head.flags & GROUP_CLOSES_LOG) !== 0
      this.#ports.onGroup?.(group, segmentId, offset, bytes)
    })
    this.#position = position
    this.#last = {
      segmentId,
      file,
      header,
      groupCount,
      firstSequence: start.nextSequence,
      lastSequence: position.nextSequence - 1,
      end: position.offset,
      durableBytes,
    }
    this.#freeMemory = this.#lastBytes.buffer as ArrayBuffer
    this.#lastBytes = bytes
    this.#segments.push(this.#last)
  }

  /** A segment that was prepared and, as far as its header says, never used. */
  #readPrepared(file: string, header: SegmentHeader, bytes: Uint8Array): void {
    const { segmentId } = header
    const { nextSequence } = this.#position
    const before = this.#last
    const tail = judgeTail(bytes, segmentId, SEGMENT_HEADER_BYTES, nextSequence)
    const empty: SurveyedSegment = {
      segmentId,
      file,
      header,
      groupCount: 0,
      firstSequence: nextSequence,
      lastSequence: nextSequence - 1,
      end: SEGMENT_HEADER_BYTES,
      durableBytes: 0,
    }
    this.#segments.push(empty)
    if (tail.kind === 'damaged') this.#findTail(empty, tail)
    if (tail.kind === 'torn') {
      // Its first write had begun and not finished, so the segment before had been left for good, and synced.
      if (before !== undefined) {
        const left = judgeTail(this.#lastBytes, before.segmentId, before.end, nextSequence)
        if (left.kind === 'torn') {
          const problem = `the last group is damaged, and ${file} was written to later`
          this.#findDamage(before, before.file, before.end, problem)
        } else if (left.kind === 'damaged') this.#findTail(before, left)
      }
      this.#last = empty
      this.#lastBytes = bytes
      this.#position = { ...this.#position, offset: SEGMENT_HEADER_BYTES }
    }
  }

  #findTail(segment: SurveyedSegment, tail: Tail & { kind: 'damaged' }): void {
    this.#findDamage(segment, segment.file, segment.end, tail.problem, tail.follows)
  }

  #findDamage(
    segment: SurveyedSegment | undefined,
    file: string,
    offset: number,
    problem: string,
    follows: readonly object[] = [],
  ): void {
    const lastGoodSequence = this.#position.nextSequence - 1
    this.#find(
      segment,
      new LogDamaged(`${file} is damaged at byte ${offset}: ${problem}; ${describeFollows(follows)}`, {
        details: { file, offset, problem, lastGoodSequence, follows },
      }),
    )
  }

  #find(segment: SurveyedSegment | undefined, error: StorageError, isFrontMissing = false): void {
    this.finding ??= { error, segmentId: segment?.segmentId, isFrontMissing }
  }

  async #read(file: string): Promise<Uint8Array> {
    const handle = await this.#ports.fileSystem.open(`${this.#directory}/${file}`, 'read')
    try {
      const size = await handle.size()
      const memory = this.#freeMemory.byteLength >= size ? this.#freeMemory : new ArrayBuffer(size)
      this.#freeMemory = new ArrayBuffer(0)
      const bytes = new Uint8Array(memory, 0, size)
      let done = 0
      while (done < size) {
        const count = await handle.read(bytes.subarray(done), done)
        if (count === 0) break
        done += count
      }
      this.#bytesRead += done
      return bytes.subarray(0, done)
    } finally {
      await handle.close()
    }
  }
}

function describeFollows(follows: readonly object[]): string {
  if (follows.length === 0) return 'nothing follows'
  const first = follows[0] as { firstSequence: number }
  return `what follows goes on at sequence ${first.firstSequence}`
}
