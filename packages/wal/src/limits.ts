import { integerField, invariant, InvalidConfig, type Field, type FieldValues } from '@se/core'
import { payloadBytesMaxOf } from './format.ts'

const KIB = 1024
const MIB = 1024 * KIB

const SEGMENT_BYTES_MIN = 4 * KIB
export const GROUP_BYTES_DEFAULT = 4 * MIB
invariant(payloadBytesMaxOf(SEGMENT_BYTES_MIN) > 0, 'the smallest segment has room for a record')

/** How much the log may hold, and in pieces of which size; defaults and ranges are in {@link LIMIT_FIELDS}. */
export interface LogLimits {
  /** Size of a segment file, bytes, a multiple of 4 KiB. Bounds the records of one call. */
  readonly segmentBytes?: number
  /** Records not released. */
  readonly recordsMax?: number
  /**
   * Bytes of groups not released or still held by `releaseDelayMs`, framing included; at least two
   * segments. The files take this, rounded up to segments, and up to three segments more.
   */
  readonly bytesMax?: number
  /** Age of the oldest record not released, ms, by the wall clock. Default: no bound. */
  readonly ageMsMax?: number
  /** Bytes written at a time; a single call may exceed it. */
  readonly groupBytesMax?: number
  /** Freed segment files kept for reuse; the others are removed. */
  readonly spareSegmentsMax?: number
}

export interface ParsedLimits {
  readonly segmentBytes: number
  readonly recordsMax: number
  readonly bytesMax: number
  readonly ageMsMax: number
  readonly groupBytesMax: number
  readonly spareSegmentsMax: number
  /** Longest payload, bytes. */
  readonly payloadBytesMax: number
}

/** The table of {@link LogLimits}. */
export const LIMIT_FIELDS = {
  segmentBytes: integerField({
    default: 16 * MIB,
    min: SEGMENT_BYTES_MIN,
    max: 1024 * MIB,
    meaning: 'Size of a segment file, a multiple of 4,096. Bounds the records of one call.',
  }),
  recordsMax: integerField({
    default: 1_000_000,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'Records not released.',
  }),
  bytesMax: {
    ...integerField({
      min: 2 * SEGMENT_BYTES_MIN,
      max: Number.MAX_SAFE_INTEGER,
      meaning: 'Bytes not released or still held, framing included; at least two segments.',
    }),
    shownDefault: '536870912, or two segments',
  },
  ageMsMax: integerField({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    meaning: 'Age of the oldest record not released, ms.',
  }),
  groupBytesMax: integerField({
    default: GROUP_BYTES_DEFAULT,
    min: SEGMENT_BYTES_MIN,
    max: 1024 * MIB,
    meaning: 'Bytes written at a time; a single call may exceed it.',
  }),
  spareSegmentsMax: integerField({
    default: 1,
    min: 0,
    max: 1000,
    meaning: 'Freed files kept for reuse; the others are removed, so the files shrink after a backlog.',
  }),
} as const satisfies Readonly<Record<keyof LogLimits, Field<unknown>>>

/**
 * What the fields do not say alone.
 *
 * @param path where the limits stand, for messages
 * @throws InvalidConfig naming the field
 */
export function completeLimits(limits: FieldValues<typeof LIMIT_FIELDS>, path = 'limits'): ParsedLimits {
  const { segmentBytes, bytesMax = Math.max(512 * MIB, 2 * segmentBytes), ageMsMax = Infinity } = limits
  if (segmentBytes % SEGMENT_BYTES_MIN !== 0) {
    throw new InvalidConfig(`${path}.segmentBytes`, `must be a multiple of 4096, not ${segmentBytes}`)
  }
  if (bytesMax < 2 * segmentBytes) {
    const min = 2 * segmentBytes
    throw new InvalidConfig(`${path}.bytesMax`, `must be at least two segments, ${min}, not ${bytesMax}`, {
      min,
    })
  }
  return { ...limits, bytesMax, ageMsMax, payloadBytesMax: payloadBytesMaxOf(segmentBytes) }
}
