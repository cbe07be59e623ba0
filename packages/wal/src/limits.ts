import { config, InvalidConfig } from '@se/core'
import { payloadBytesMaxOf } from './format.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** How much the log may hold, and in pieces of which size. */
export interface LogLimits {
  /** Size of a segment file, bytes. Default 16 MiB, from 4 KiB to 1 GiB, a multiple of 4 KiB. Bounds the records of one call. */
  readonly segmentBytes?: number
  /** Records not released. Default 1,000,000, from 1. */
  readonly recordsMax?: number
  /**
   * Bytes of groups not released or still held by `releaseDelayMs`, framing included. Default 512 MiB, from two
   * segments. The files take this, rounded up to segments, and up to three segments more.
   */
  readonly bytesMax?: number
  /** Age of the oldest record not released, ms, by the wall clock. Default: no bound. From 1. */
  readonly ageMsMax?: number
  /** Bytes written at a time. Default 4 MiB, from 4 KiB; a single call may exceed it. */
  readonly groupBytesMax?: number
  /** Freed segment files kept for reuse; the others are removed. Default 1, from 0 to 1,000. */
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

/** @throws InvalidConfig naming the field */
export function parseLimits(limits: LogLimits = {}): ParsedLimits {
  config.onlyFields('limits', limits, [
    'segmentBytes',
    'recordsMax',
    'bytesMax',
    'ageMsMax',
    'groupBytesMax',
    'spareSegmentsMax',
  ])
  const segmentBytes = config.integer('limits.segmentBytes', limits.segmentBytes, {
    default: 16 * MIB,
    min: 4 * KIB,
    max: 1024 * MIB,
  })
  if (segmentBytes % (4 * KIB) !== 0) {
    throw new InvalidConfig('limits.segmentBytes', `must be a multiple of 4096, not ${segmentBytes}`)
  }
  return {
    segmentBytes,
    recordsMax: config.integer('limits.recordsMax', limits.recordsMax, {
      default: 1_000_000,
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
    }),
    bytesMax: config.integer('limits.bytesMax', limits.bytesMax, {
      default: Math.max(512 * MIB, 2 * segmentBytes),
      min: 2 * segmentBytes,
      max: Number.MAX_SAFE_INTEGER,
    }),
    ageMsMax:
      limits.ageMsMax === undefined
        ? Infinity
        : config.integer('limits.ageMsMax', limits.ageMsMax, {
            default: 1,
            min: 1,
            max: Number.MAX_SAFE_INTEGER,
          }),
    groupBytesMax: config.integer('limits.groupBytesMax', limits.groupBytesMax, {
      default: 4 * MIB,
      min: 4 * KIB,
      max: 1024 * MIB,
    }),
    spareSegmentsMax: config.integer('limits.spareSegmentsMax', limits.spareSegmentsMax, {
      default: 1,
      min: 0,
      max: 1000,
    }),
    payloadBytesMax: payloadBytesMaxOf(segmentBytes),
  }
}
