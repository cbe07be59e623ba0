import type { StorageError } from '@se/core'
import {
  bareFrontError,
  damageError,
  frontMissingError,
  gapError,
  judgeHeader,
  type Damage,
  type Finding,
} from './findings.ts'
import {
  decodeSegmentHeader,
  GROUP_CLOSES_LOG,
  segmentFileName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format.ts'
import type { DecodedGroup } from './group.ts'
import { judgeEnd, scanGroups, type ScanPosition, type SegmentEnd } from './scan.ts'

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

/** What a log directory holds, as far as it was read. */
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
  readonly segmentEnd: SegmentEnd
  readonly releasedThrough: number
  /** The last group says that the log was closed in order. */
  readonly isClosed: boolean
  readonly finding: Finding | undefined
}

/** Told of each good group, in order. `bytes` is all of its segment's file, and valid during the call only. */
export type OnGroup = (group: DecodedGroup, segmentId: number, offset: number, bytes: Uint8Array) => void

/** Judges a log by the files of its segments, one after the other; lives for one survey. Pure. */
export class Surveyor {
  readonly #onGroup: OnGroup | undefined
  readonly #segments: SurveyedSegment[] = []
  #logId: string | undefined
  #last: SurveyedSegment | undefined
  #lastBytes: Uint8Array = new Uint8Array(0)
  #position: ScanPosition = { offset: SEGMENT_HEADER_BYTES, nextSequence: 1, previousCrc: 0 }
  #releasedThrough = 0
  #isClosed = false
  #finding: Finding | undefined

  constructor(onGroup?: OnGroup) {
    this.#onGroup = onGroup
  }

  /** The first thing that is wrong; nothing is to be added behind it. */
  get finding(): Finding | undefined {
    return this.#finding
  }

  /** The file that is still needed; the bytes of all others may be written over. */
  get lastBytes(): Uint8Array {
    return this.#lastBytes
  }

  /** @returns why the segment cannot be next, before its file is read: it is a finding then */
  findGap(segmentId: number): Finding | undefined {
    const before = this.#segments.at(-1)
    if (before !== undefined && segmentId !== before.segmentId + 1) {
      this.#find(before, gapError(before.segmentId, segmentId, this.#lastGoodSequence))
    }
    return this.#finding
  }

  /** @param bytes all of the segment's file; kept if it becomes `lastBytes` */
  add(segmentId: number, bytes: Uint8Array): void {
    const file = segmentFileName(segmentId)
    const before = this.#segments.at(-1)
    const reading = decodeSegmentHeader(bytes)
    if (reading.kind === 'header') this.#logId ??= reading.header.logId
    const verdict = judgeHeader(reading, file, segmentId, this.#logId)
    if (verdict.kind === 'unknown') return this.#find(before, verdict.error)
    if (verdict.kind === 'damaged') {
      return this.#findDamage(before, { file, offset: 0, problem: verdict.problem })
    }
    const { header } = verdict
    if (!header.isPrepared && !this.#follows(header, file, before)) return
    if (header.isPrepared && this.#last !== undefined) this.#addPrepared(file, header, bytes)
    else this.#addUsed(file, header, bytes)
    if (bytes.length < header.segmentBytes) {
      const problem = `the file has ${bytes.length} bytes of ${header.segmentBytes}; a power cut does not shorten it`
      this.#findDamage(this.#segments.at(-1), { file, offset: bytes.length, problem })
    }
  }

  /** After the last segment, or the first finding. */
  finish(): Survey {
    let segmentEnd: SegmentEnd = { kind: 'clean' }
    const last = this.#last
    if (last !== undefined && this.#finding === undefined) {
      segmentEnd = this.#judgeLast(last)
      if (segmentEnd.kind === 'damaged') this.#findDamagedEnd(last, segmentEnd)
    }
    this.#checkFront()
    return {
      logId: this.#logId,
      segments: this.#segments,
      last,
      lastBytes: this.#lastBytes,
      position: this.#position,
      segmentEnd,
      releasedThrough: this.#releasedThrough,
      isClosed: this.#isClosed,
      finding: this.#finding,
    }
  }

  /** Only released segments may be gone, and the first of all is the only one that may be alone and unused. */
  #checkFront(): void {
    const first = this.#segments[0]
    if (first === undefined || this.#finding !== undefined) return
    const { segmentId, firstSequence } = first
    if (first.header.isPrepared && segmentId > 1) {
      this.#find(undefined, bareFrontError(segmentId, this.#releasedThrough))
    } else if (firstSequence > this.#releasedThrough + 1) {
      this.#find(undefined, frontMissingError(segmentId, firstSequence, this.#releasedThrough), true)
    }
  }

  /** Whether the segment goes on where the one before ended. */
  #follows(header: SegmentHeader, file: string, before: SurveyedSegment | undefined): boolean {
    const last = this.#last
    const { firstSequence, previousCrc } = header
    if (last === undefined) {
      this.#position = { offset: SEGMENT_HEADER_BYTES, nextSequence: firstSequence, previousCrc }
      this.#releasedThrough = 0
      return true
    }
    const { nextSequence } = this.#position
    if (firstSequence === nextSequence && previousCrc === this.#position.previousCrc && last === before) {
      return true
    }
    const end = this.#judgeLast(last)
    const isDamaged = end.kind === 'damaged'
    const problem = isDamaged ? end.problem : `${file} starts at ${firstSequence}, not at ${nextSequence}`
    const groups = isDamaged ? end.follows : []
    const follows = [...groups, { file, firstSequence }]
    this.#findDamage(last, { file: last.file, offset: last.end, problem, follows })
    return false
  }

  #addUsed(file: string, header: SegmentHeader, bytes: Uint8Array): void {
    const { segmentId } = header
    const start: ScanPosition = { ...this.#position, offset: SEGMENT_HEADER_BYTES }
    let groupCount = 0
    let durableBytes = 0
    const position = scanGroups(bytes.subarray(0, header.segmentBytes), segmentId, start, (group, offset) => {
      groupCount++
      durableBytes = group.header.durableBytes
      this.#releasedThrough = group.header.releasedThrough
      this.#isClosed = (group.header.flags & GROUP_CLOSES_LOG) !== 0
      this.#onGroup?.(group, segmentId, offset, bytes)
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
    this.#lastBytes = bytes
    this.#segments.push(this.#last)
  }

  /** A segment that was prepared and, as far as its header says, never used. */
  #addPrepared(file: string, header: SegmentHeader, bytes: Uint8Array): void {
    const { segmentId } = header
    const { nextSequence } = this.#position
    const before = this.#last
    const end = judgeEnd(bytes, segmentId, SEGMENT_HEADER_BYTES, nextSequence)
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
    if (end.kind === 'damaged') this.#findDamagedEnd(empty, end)
    if (end.kind !== 'torn') return
    // Its first write had begun and not finished, so the segment before had been left for good, and synced.
    if (before !== undefined) {
      const left = this.#judgeLast(before)
      if (left.kind === 'torn') {
        const problem = `the last group is damaged, and ${file} was written to later`
        this.#findDamage(before, { file: before.file, offset: before.end, problem })
      } else if (left.kind === 'damaged') this.#findDamagedEnd(before, left)
    }
    this.#last = empty
    this.#lastBytes = bytes
    this.#position = { ...this.#position, offset: SEGMENT_HEADER_BYTES }
  }

  #judgeLast(last: SurveyedSegment): SegmentEnd {
    return judgeEnd(this.#lastBytes, last.segmentId, last.end, this.#position.nextSequence)
  }

  get #lastGoodSequence(): number {
    return this.#position.nextSequence - 1
  }

  #findDamagedEnd(segment: SurveyedSegment, end: SegmentEnd & { kind: 'damaged' }): void {
    const { problem, follows } = end
    this.#findDamage(segment, { file: segment.file, offset: segment.end, problem, follows })
  }

  #findDamage(
    segment: SurveyedSegment | undefined,
    damage: Omit<Damage, 'lastGoodSequence' | 'follows'> & Partial<Pick<Damage, 'follows'>>,
  ): void {
    this.#find(segment, damageError({ follows: [], ...damage, lastGoodSequence: this.#lastGoodSequence }))
  }

  #find(segment: SurveyedSegment | undefined, error: StorageError, isFrontMissing = false): void {
    this.#finding ??= { error, segmentId: segment?.segmentId, isFrontMissing }
  }
}
