import { InvalidInput } from './errors.ts'
import { invariant } from './invariant.ts'
import type { Clock } from './clock.ts'

/** Bits of the counter within one millisecond. */
export const STAMP_COUNTER_BITS = 11
const COUNTER_SPAN = 2 ** STAMP_COUNTER_BITS
/** Largest wall-clock millisecond a stamp can hold (42 bits: the year 2109). */
export const STAMP_MS_MAX = 2 ** 42 - 1
/** Largest instance number (u32). */
export const INSTANCE_MAX = 2 ** 32 - 1

/**
 * When a write was made: a hybrid logical clock in one safe integer, and the instance that made it.
 * Compared and stored as that pair everywhere; the newest stamp wins in every store [W3].
 */
export interface Stamp {
  /** `ms * 2^11 + counter`: 42 bits of milliseconds since 1970, 11 bits of counter; a safe integer. */
  readonly time: number
  /** Number of the writing instance in the archive, 1 … 2^32-1. */
  readonly instance: number
}

/** Negative if `a` is older than `b`, positive if newer, 0 if it is the same write. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.time !== b.time ? a.time - b.time : a.instance - b.instance
}

/** Whether `a` is newer than `b`; anything is newer than no stamp. */
export function isNewer(a: Stamp, b: Stamp | undefined): boolean {
  return b === undefined || compareStamps(a, b) > 0
}

/** The newer of two stamps; `undefined` is older than every stamp. */
export function newerStamp(a: Stamp | undefined, b: Stamp | undefined): Stamp | undefined {
  if (a === undefined) return b
  return b === undefined || compareStamps(a, b) >= 0 ? a : b
}

/** The wall-clock part of a stamp, ms since 1970. */
export function stampMs(stamp: Stamp): number {
  return Math.floor(stamp.time / COUNTER_SPAN)
}

/** The smallest stamp time of a millisecond. */
export function stampTimeOf(ms: number): number {
  return ms * COUNTER_SPAN
}

/** `time.instance` in hexadecimal, for logs and ETags. */
export function formatStamp(stamp: Stamp): string {
  return `${stamp.time.toString(16)}.${stamp.instance.toString(16)}`
}

/**
 * The inverse of {@link formatStamp}.
 *
 * @throws InvalidInput when the text is not a stamp
 */
export function parseStamp(text: string): Stamp {
  const match = /^([0-9a-f]{1,14})\.([0-9a-f]{1,8})$/.exec(text)
  const time = match?.[1] === undefined ? Number.NaN : Number.parseInt(match[1], 16)
  const instance = match?.[2] === undefined ? Number.NaN : Number.parseInt(match[2], 16)
  if (!Number.isSafeInteger(time) || !Number.isSafeInteger(instance)) {
    throw new InvalidInput('stamp', 'is not of the form <hex time>.<hex instance>')
  }
  return { time, instance }
}

/** Bytes of an encoded stamp. */
export const STAMP_BYTES = 12

/**
 * Writes a stamp so that byte order is stamp order: time as u64 big-endian, instance as u32 big-endian.
 *
 * @param target at least `offset + 12` bytes
 */
export function encodeStamp(stamp: Stamp, target: Uint8Array, offset = 0): void {
  const view = new DataView(target.buffer, target.byteOffset + offset, STAMP_BYTES)
  view.setUint32(0, Math.floor(stamp.time / 2 ** 32))
  view.setUint32(4, stamp.time >>> 0)
  view.setUint32(8, stamp.instance)
}

/** The inverse of {@link encodeStamp}. */
export function decodeStamp(source: Uint8Array, offset = 0): Stamp {
  const view = new DataView(source.buffer, source.byteOffset + offset, STAMP_BYTES)
  return { time: view.getUint32(0) * 2 ** 32 + view.getUint32(4), instance: view.getUint32(8) }
}

/**
 * Makes the stamps of one instance: strictly increasing, above everything witnessed, and not behind the
 * wall clock.
 *
 * Source: Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed
 * Databases", 2014.
 */
export class StampClock {
  readonly instance: number
  readonly #clock: Pick<Clock, 'nowMs'>
  #lastTime: number

  /**
   * @param instance number of this instance in the archive, 1 … 2^32-1
   * @param floorTime stamp time that every stamp must exceed (log, archive's record)
   */
  constructor(clock: Pick<Clock, 'nowMs'>, instance: number, floorTime = 0) {
    invariant(
      Number.isInteger(instance) && instance >= 1 && instance <= INSTANCE_MAX,
      'instance is a u32 above 0',
      {
        instance,
      },
    )
    this.#clock = clock
    this.instance = instance
    this.#lastTime = floorTime
  }

  /** Stamp time that the next stamp will exceed. */
  get lastTime(): number {
    return this.#lastTime
  }

  /** A stamp above all earlier ones and all witnessed ones. */
  next(): Stamp {
    const wallTime = stampTimeOf(this.#clock.nowMs())
    this.#lastTime = Math.max(wallTime, this.#lastTime + 1)
    invariant(this.#lastTime <= Number.MAX_SAFE_INTEGER, 'stamp time is a safe integer')
    return { time: this.#lastTime, instance: this.instance }
  }

  /** Moves past a stamp that was read, so that the next own write supersedes it. */
  witness(stamp: Stamp): void {
    if (stamp.time > this.#lastTime) this.#lastTime = stamp.time
  }
}
