import { putU32, putU64, u32At, u64At } from './bytes.ts'
import { InvalidInput, StampRefused } from './errors.ts'
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

/** Whether both are the stamp of the same write. */
export function equalStamps(a: Stamp, b: Stamp): boolean {
  return a.time === b.time && a.instance === b.instance
}

/** Whether `a` is newer than `b`; anything is newer than no stamp. */
export function isNewer(a: Stamp, b: Stamp | undefined): boolean {
  return b === undefined || compareStamps(a, b) > 0
}

/** Whether a stamp is older than `newer` and newer than `older`, where there is one. */
export function isBetween(stamp: Stamp, older: Stamp | undefined, newer: Stamp): boolean {
  return isNewer(newer, stamp) && isNewer(stamp, older)
}

/** The newer of two stamps; `undefined` is older than every stamp. */
export function newerStamp(a: Stamp | undefined, b: Stamp | undefined): Stamp | undefined {
  if (a === undefined) return b
  return b === undefined || compareStamps(a, b) >= 0 ? a : b
}

/** Newer than every stamp that is ever given. */
export const STAMP_ABOVE_ALL: Stamp = { time: Number.MAX_SAFE_INTEGER, instance: INSTANCE_MAX }

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
  invariant(target.length >= offset + STAMP_BYTES, 'there is room for the stamp')
  putU64(target, offset, stamp.time)
  putU32(target, offset + 8, stamp.instance)
}

/** The inverse of {@link encodeStamp}. */
export function decodeStamp(source: Uint8Array, offset = 0): Stamp {
  invariant(source.length >= offset + STAMP_BYTES, 'there are the bytes of a stamp')
  return { time: u64At(source, offset), instance: u32At(source, offset + 8) }
}

/** How far a stamp may be ahead of the archive's clock, ms, for other ids to follow it. */
export const STAMP_AHEAD_MS_MAX = 1_000

/**
 * Makes the stamps of one instance: for each id strictly increasing, and not behind the clock.
 *
 * The clock is the archive's, as well as it is known, and it may be wrong for a while: a stamp from the future must not pull
 * all later ones with it [P67]. So other ids follow what was witnessed only up to 1 s ahead of the clock. What lies
 * beyond counts for its own id alone, which `next` asks for; and when the clock has gone back further than that, so do the stamps.
 *
 * Source: Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed
 * Databases", 2014, which bounds the drift in the same way.
 */
export class StampClock {
  readonly instance: number
  readonly #clock: Pick<Clock, 'nowMs'>
  /** Of the last stamp that was not given for a stamp from the future. */
  #lastTime = 0
  /** Newest time that was ever seen, however far ahead. */
  #newestTime: number

  /**
   * @param clock `nowMs` is the archive's clock, as well as it is known
   * @param instance number of this instance in the archive, 1 … 2^32-1
   * @param aboveTime stamp time to stay above (log, archive's record), as far as the bound allows
   */
  constructor(clock: Pick<Clock, 'nowMs'>, instance: number, aboveTime = 0) {
    invariant(
      Number.isInteger(instance) && instance >= 1 && instance <= INSTANCE_MAX,
      'instance is a u32 above 0',
      {
        instance,
      },
    )
    this.#clock = clock
    this.instance = instance
    this.#newestTime = aboveTime
  }

  /** Whether the stamp is too far ahead of the clock for other ids to follow it. */
  isFromFuture(stamp: Stamp): boolean {
    return stamp.time > this.#horizon()
  }

  /** The newest stamp that is not from the future. */
  horizon(): Stamp {
    return { time: this.#horizon(), instance: INSTANCE_MAX }
  }

  /**
   * A stamp above everything that may be followed, and above what is known of its id.
   *
   * @param newestOf the newest stamp known of the id; asked only where something is ahead of the clock
   * @throws StampRefused when the id's newest stamp leaves no room above it
   */
  next(newestOf?: () => Stamp | undefined): Stamp {
    const nowTime = stampTimeOf(this.#clock.nowMs())
    const horizon = nowTime + AHEAD_SPAN
    if (this.#newestTime <= horizon) this.#lastTime = Math.max(this.#lastTime, this.#newestTime)
    // The clock has gone back: to stay above what was given would keep all stamps ahead of it for as long as it went back.
    else if (this.#lastTime > horizon) this.#lastTime = 0
    const time = Math.max(nowTime, this.#lastTime + 1)
    const newest = time > this.#newestTime ? undefined : newestOf?.()
    if (newest !== undefined && newest.time >= time) return this.#above(newest)
    this.#lastTime = time
    return this.#given(time)
  }

  /** Moves past a stamp that the archive or the log holds, so that the next own write supersedes it; no further than the bound. */
  witness(stamp: Stamp): void {
    if (stamp.time > this.#newestTime) this.#newestTime = stamp.time
    // Also beside a newer one that lies too far ahead: a stamp of this instance from before its restart must not be given again.
    if (stamp.time > this.#lastTime && !this.isFromFuture(stamp)) this.#lastTime = stamp.time
  }

  /** A stamp directly above another one, at any time of the clock. @throws StampRefused when there is none */
  #above(stamp: Stamp): Stamp {
    const time = stamp.time + 1
    if (time <= this.#horizon()) this.#lastTime = Math.max(this.#lastTime, time)
    return this.#given(time)
  }

  #given(time: number): Stamp {
    if (time > TIME_MAX) {
      throw new StampRefused(
        `no stamp is left above ${stampMs({ time, instance: 0 })} ms, the limit is ${STAMP_MS_MAX}`,
        {
          details: { limitMs: STAMP_MS_MAX, nowMs: this.#clock.nowMs() },
        },
      )
    }
    this.#newestTime = Math.max(this.#newestTime, time)
    return { time, instance: this.instance }
  }

  #horizon(): number {
    return stampTimeOf(this.#clock.nowMs()) + AHEAD_SPAN
  }
}

const AHEAD_SPAN = stampTimeOf(STAMP_AHEAD_MS_MAX)
const TIME_MAX = stampTimeOf(STAMP_MS_MAX + 1) - 1
invariant(TIME_MAX === Number.MAX_SAFE_INTEGER, 'milliseconds and counter fill a safe integer')
