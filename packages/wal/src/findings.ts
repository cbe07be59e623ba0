/** What can be wrong with the files of a log, each as an error that names the file. Pure. */
import type { StorageError } from '@se/core'
import { LogDamaged, LogFormatUnknown, SegmentMissing } from './errors.ts'
import { segmentFileName, type HeaderReading, type SegmentHeader } from './format.ts'

/** The first thing that is wrong, and where. */
export interface Finding {
  readonly error: StorageError
  /** Segment in which the good part of the log ends; undefined if there is no good part. */
  readonly segmentId: number | undefined
  /** The segments that are there are whole, but older ones are gone. */
  readonly isFrontMissing: boolean
}

/** What the header of a segment file is worth to this log. */
export type HeaderVerdict =
  | { readonly kind: 'good'; readonly header: SegmentHeader }
  | { readonly kind: 'unknown'; readonly error: LogFormatUnknown }
  | { readonly kind: 'damaged'; readonly problem: string }

/** @param logId of the segments before; undefined for the first */
export function judgeHeader(
  reading: HeaderReading,
  file: string,
  segmentId: number,
  logId: string | undefined,
): HeaderVerdict {
  const unknown = (what: string, version?: number): HeaderVerdict => {
    const details = { file, ...(version === undefined ? {} : { version }) }
    return { kind: 'unknown', error: new LogFormatUnknown(`${file} ${what}`, { details }) }
  }
  switch (reading.kind) {
    case 'foreign':
      return unknown('is no segment of a log')
    case 'newer':
      return unknown(`has format ${reading.version}, newer than this version reads`, reading.version)
    case 'damaged':
      return { kind: 'damaged', problem: 'the header of the segment is damaged' }
    case 'header':
      if (logId !== undefined && reading.header.logId !== logId) {
        return unknown('belongs to another log than the segments before it')
      }
      if (reading.header.segmentId !== segmentId) {
        return { kind: 'damaged', problem: `the header is that of segment ${reading.header.segmentId}` }
      }
      return { kind: 'good', header: reading.header }
  }
}

/** Segments are there before and behind one that is not. */
export function gapError(beforeId: number, afterId: number, lastGoodSequence: number): SegmentMissing {
  const file = segmentFileName(beforeId + 1)
  return new SegmentMissing(
    `${file} is missing: ${segmentFileName(beforeId)} is there, and so is ${segmentFileName(afterId)}`,
    { details: { file, lastGoodSequence } },
  )
}

/**
 * The oldest segment there is was only prepared. One is prepared while the one before it is written to, so that one was there: where
 * the directory begins with `0000000000000005.wal`, prepared and without a group, `0000000000000004.wal` is missing.
 */
export function bareFrontError(firstId: number, releasedThrough: number): SegmentMissing {
  const file = segmentFileName(firstId - 1)
  return new SegmentMissing(`${file} is missing: ${segmentFileName(firstId)} was prepared to follow it`, {
    details: { file, lastGoodSequence: releasedThrough },
  })
}

/**
 * The oldest segment there is begins behind records that were not released.
 *
 * @param releasedThrough as the segments that are there say; 0: none was
 */
export function frontMissingError(
  firstId: number,
  firstSequence: number,
  releasedThrough: number,
): SegmentMissing {
  const file = segmentFileName(Math.max(1, firstId - 1))
  return new SegmentMissing(
    `${file} is missing: records ${releasedThrough + 1} to ${firstSequence - 1} were not released`,
    { details: { file, lastGoodSequence: releasedThrough } },
  )
}

/** What stands behind damage: a group, or the segment that goes on. */
export interface Following {
  readonly firstSequence: number
  /** Of the segment. */
  readonly file?: string
}

/** Durable bytes that are not what was written. */
export interface Damage {
  readonly file: string
  /** Where it begins, bytes. */
  readonly offset: number
  readonly problem: string
  /** Of the last record before it; 0: there is none. */
  readonly lastGoodSequence: number
  /** What is whole behind it, the nearest first. */
  readonly follows: readonly Following[]
}

export function damageError({ file, offset, problem, lastGoodSequence, follows }: Damage): LogDamaged {
  const [next] = follows
  const said =
    next === undefined ? 'nothing follows' : `what follows goes on at sequence ${next.firstSequence}`
  return new LogDamaged(`${file} is damaged at byte ${offset}: ${problem}; ${said}`, {
    details: { file, offset, problem, lastGoodSequence, follows },
  })
}
