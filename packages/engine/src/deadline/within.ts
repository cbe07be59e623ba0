import { setBackgroundLimit, TierUnavailable, type Clock } from '@se/core'
import { Caller } from './caller.ts'

/** What bounds of calls of the parts are measured with. They never keep the process alive: the caller's deadline does. */
export type LimitClock = Pick<Clock, 'monotonicMs' | 'setBackgroundTimer'>

/**
 * Waits for a call, but not for ever. One that is given up still runs; what becomes of it is not looked at.
 *
 * @param what the call, for the message
 * @param caller who may go before the time is over
 * @throws TierUnavailable when it has not ended after `limitMs`; else what it throws
 */
export function within<T>(
  clock: LimitClock,
  limitMs: number,
  what: string,
  run: () => Promise<T>,
  caller = new Caller(),
): Promise<T> {
  const cancel = setBackgroundLimit(clock, limitMs, () => caller.leave(didNotEnd(what, limitMs)))
  return caller.waitFor(run, cancel)
}

/**
 * Waits for a call that tells of its progress: not for ever without any.
 *
 * @param idleMsMax longest time without progress
 * @param run told how to say that it got on. From `arrived` to `handled` its time does not count: that is the caller's own visitor
 * @throws TierUnavailable when it got on no further for `idleMsMax`; else what it throws
 */
export function withinProgress<T>(
  clock: LimitClock,
  idleMsMax: number,
  what: string,
  run: (progress: Progress) => Promise<T>,
  caller = new Caller(),
): Promise<T> {
  let cancel = () => {}
  const watch = (): void => {
    cancel()
    if (caller.goneBecause !== undefined) return
    cancel = setBackgroundLimit(clock, idleMsMax, () =>
      caller.leave(didNotEnd(`a step of ${what}`, idleMsMax)),
    )
  }
  const progress: Progress = {
    arrived() {
      if (caller.goneBecause !== undefined) throw caller.goneBecause
      cancel()
    },
    handled: watch,
  }
  watch()
  return caller.waitFor(
    () => run(progress),
    () => cancel(),
  )
}

/** How a long call says that it gets on. */
export interface Progress {
  /** Something came, and is handed to the visitor. @throws why no caller waits any more */
  arrived(): void
  /** The visitor is done with it: what is next may take its time again. */
  handled(): void
}

/** Lets time pass. @throws why the caller has gone, at once when it goes */
export function pause(clock: LimitClock, delayMs: number, caller: Caller): Promise<void> {
  let cancel = () => {}
  return caller.waitFor(
    () => new Promise((resolve) => (cancel = clock.setBackgroundTimer(delayMs, resolve))),
    () => cancel(),
  )
}

function didNotEnd(what: string, limitMs: number): TierUnavailable {
  return new TierUnavailable(`${what} did not end within ${limitMs} ms`, { details: { limitMs } })
}
