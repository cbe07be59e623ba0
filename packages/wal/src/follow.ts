import { ifAny, readFully, type FileSystem } from '@se/core'
import { LogUnreadable } from './errors.ts'
import { decodeSegmentHeader, segmentFileName, SEGMENT_HEADER_BYTES } from './format.ts'
import { payloadsOf } from './group.ts'
import { surveyLog } from './read-log.ts'
import { LogRecord } from './replay.ts'
import { scanGroups, type ScanPosition } from './scan.ts'

/**
 * Reads a log that another process may be writing: first what is there, then, at each call, what has come since.
 * Takes no lock and changes nothing.
 */
export class LogFollower {
  readonly #directory: string
  readonly #fileSystem: Pick<FileSystem, 'list' | 'open'>
  #segmentId: number | undefined
  #position: ScanPosition = { offset: SEGMENT_HEADER_BYTES, nextSequence: 1, previousCrc: 0 }

  constructor(directory: string, fileSystem: Pick<FileSystem, 'list' | 'open'>) {
    this.#directory = directory
    this.#fileSystem = fileSystem
  }

  /** @returns the records from the sequence on that were not returned before @throws what `openLog` throws for damage */
  async readNew(from: number): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    const take = (first: number, payloads: Iterable<Uint8Array>) => {
      let sequence = first
      for (const payload of payloads) {
        if (sequence >= from) records.push(new LogRecord(sequence, payload.slice()))
        sequence++
      }
    }
    if (this.#segmentId === undefined) await this.#start(take)
    else while (await this.#goOn(this.#segmentId, take));
    return records
  }

  async #start(take: (first: number, payloads: Iterable<Uint8Array>) => void): Promise<void> {
    const survey = await surveyLog(
      this.#directory,
      this.#fileSystem,
      ({ header }, _segmentId, offset, bytes) =>
        take(header.firstSequence, payloadsOf(bytes, viewOf(bytes), offset, header)),
    )
    if (survey.finding !== undefined) throw survey.finding.error
    this.#segmentId = survey.last?.segmentId
    this.#position = survey.position
  }

  /** @returns whether the segment has been left, so that the next is to be read */
  async #goOn(
    segmentId: number,
    take: (first: number, payloads: Iterable<Uint8Array>) => void,
  ): Promise<boolean> {
    const bytes = await this.#read(segmentId)
    if (bytes === undefined) {
      throw new LogUnreadable(`${segmentFileName(segmentId)} was freed before it was read to its end`)
    }
    this.#position = scanGroups(bytes, segmentId, this.#position, ({ header }, offset) =>
      take(header.firstSequence, payloadsOf(bytes, viewOf(bytes), offset, header)),
    )
    const next = await this.#read(segmentId + 1, SEGMENT_HEADER_BYTES)
    const reading = next === undefined ? undefined : decodeSegmentHeader(next)
    const { nextSequence, previousCrc } = this.#position
    if (reading?.kind !== 'header' || reading.header.isPrepared) return false
    if (reading.header.firstSequence !== nextSequence || reading.header.previousCrc !== previousCrc)
      return false
    this.#segmentId = segmentId + 1
    this.#position = { ...this.#position, offset: SEGMENT_HEADER_BYTES }
    return true
  }

  async #read(segmentId: number, length?: number): Promise<Uint8Array | undefined> {
    const path = `${this.#directory}/${segmentFileName(segmentId)}`
    const handle = await ifAny(this.#fileSystem.open(path, 'read'))
    if (handle === undefined) return undefined
    try {
      const bytes = new Uint8Array(length ?? (await handle.size()))
      return bytes.subarray(0, await readFully(handle, bytes, 0))
    } finally {
      await handle.close()
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
