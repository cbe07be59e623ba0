import {
  InvalidInput,
  InvariantViolation,
  setBackgroundLimit,
  StorageError,
  TierMisconfigured,
  TierUnavailable,
  type Lookup,
  type Random,
  type UnknownCause,
} from '@se/core'
import { errorKind } from '../observer/error-kind.ts'
import type { BreakerState, OperationName, TierName } from '../observer/events.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { Caller } from '../deadline/caller.ts'
import { pause, within, withinProgress, type LimitClock, type Progress } from '../deadline/within.ts'
import { BREAKER_CLOSED, nextBreaker, type Breaker, type BreakerLimits } from './breaker.ts'

/** What a guard is made of, and its limits. */
export interface GuardOptions extends Partial<GuardLimits> {
  readonly clock: LimitClock
  readonly random: Pick<Random, 'fraction'>
  readonly observer: Pick<EngineObserver, 'retried' | 'failed' | 'breaker' | 'backendHealth'>
}

export interface GuardLimits extends BreakerLimits {
  /** How long a lookup may take, ms. */
  readonly lookupMs: number
  /** How long any other bounded call may take, ms. */
  readonly callMs: number
  /** How long a call of many statements may take (opening with its migrations, folding, pruning, collecting), ms. */
  readonly longMs: number
  /** Tries of a call that may be repeated, the first included. */
  readonly attemptsMax: number
  /** Pause before the first retry, ms; doubles with each, up to `retryMsMax`, and is cut by chance. */
  readonly retryMs: number
  readonly retryMsMax: number
}

export interface CallOptions {
  readonly timeoutMs: number
  readonly attemptsMax: number
}

/** Pause before retry number `retry` (1, 2 …): uniform between half and the whole of the doubled pause [W7]. */
export function retryDelayMs(
  retry: number,
  fraction: number,
  limits: Pick<GuardLimits, 'retryMs' | 'retryMsMax'>,
): number {
  const longestMs = Math.min(limits.retryMsMax, limits.retryMs * 2 ** (retry - 1))
  return longestMs * (1 - fraction / 2)
}

/**
 * Timeout, retry and circuit breaker in front of one tier.
 *
 * `TierUnavailable`, no answer in time, and errors that no part has translated are failures of the tier; only the first
 * two are tried again. Every other error of ours is an answer, and passes through [W6].
 *
 * Not cockatiel, though it is well kept: its timers, its clock and its jitter cannot be passed in (version 4), so
 * a simulated world could not be replayed from its seed; its half-open state lets everybody wait for the probe,
 * where a read had better ask the tier below; and each of its timeouts makes an AbortController and two emitters,
 * on a path that is asked for in microseconds.
 */
export class Guard {
  readonly #backend: string
  readonly #tier: TierName
  readonly #options: GuardOptions
  readonly limits: GuardLimits
  readonly #waiting = new Set<Caller>()
  #isClosed = false
  #breaker: Breaker = BREAKER_CLOSED

  /** @param defaults of this tier; what `options` gives is taken instead */
  constructor(backend: string, tier: TierName, options: GuardOptions, defaults: GuardLimits) {
    this.#backend = backend
    this.#tier = tier
    this.#options = options
    const { lookupMs, callMs, longMs, attemptsMax, retryMs, retryMsMax, failuresMax, openMs } = {
      ...defaults,
      ...options,
    }
    this.limits = { lookupMs, callMs, longMs, attemptsMax, retryMs, retryMsMax, failuresMax, openMs }
  }

  get breakerState(): BreakerState {
    return this.#breaker.state
  }

  /** Calls may be made, also again after {@link close}. */
  open(): void {
    this.#isClosed = false
    this.#breaker = BREAKER_CLOSED
  }

  /** No caller waits for the tier any more: calls under way fail at once, pauses end, and no other call begins. */
  close(): void {
    this.#isClosed = true
    for (const caller of this.#waiting) caller.leave(new GuardClosed(this.#backend))
  }

  /** Runs a call of many statements, once, past the breaker. @throws TierUnavailable when it does not end in time */
  async long<T>(what: string, run: () => Promise<T>, limitMs = this.limits.longMs): Promise<T> {
    const caller = this.#join()
    return within(this.#options.clock, limitMs, what, run, caller).finally(() => this.#waiting.delete(caller))
  }

  /** Runs a scan, once, past the breaker: it may take long, but not without getting on. */
  async scan<T>(what: string, run: (progress: Progress) => Promise<T>): Promise<T> {
    const caller = this.#join()
    return withinProgress(this.#options.clock, this.limits.callMs, what, run, caller).finally(() =>
      this.#waiting.delete(caller),
    )
  }

  /**
   * Runs a call, again after a failure.
   *
   * A call that is given up keeps running; what becomes of it is not looked at any more.
   *
   * @throws TierUnavailable after the last attempt, or at once while the breaker is open; and what `run` throws
   */
  async call<T>(run: () => Promise<T>, options: CallOptions): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const isProbe = this.#enter()
      if (isProbe === undefined) throw this.#notAsked()
      try {
        const result = await this.#withinMs(options.timeoutMs, run)
        this.#leave(isProbe, 'succeeded')
        return result
      } catch (error) {
        if (error instanceof GuardClosed) throw error
        this.#leave(isProbe, isFailureOfTier(error) ? 'failed' : 'succeeded')
        const mayRetry = attempt < options.attemptsMax && this.#breaker.state !== 'open'
        if (!(error instanceof TierUnavailable) || !mayRetry) throw error
      }
      await this.#pause(attempt)
    }
  }

  /**
   * Asks for one id. When anything goes wrong, the answer is `unknown`, never `absent` [R1]; only the caller's own
   * mistakes and bugs are thrown.
   */
  async lookup(run: () => Promise<Lookup>): Promise<Lookup> {
    const [lookup] = await this.lookups(1, 'get', async () => [await run()])
    return lookup!
  }

  /**
   * Asks for many ids at once. An answer without a single known one counts as a failure, unless all of them are
   * merely suspended. A tier that was too slow once is not asked again: the tier below is quicker.
   */
  async lookups(
    count: number,
    operation: OperationName,
    run: () => Promise<readonly Lookup[]>,
  ): Promise<readonly Lookup[]> {
    for (let attempt = 1; ; attempt++) {
      const isProbe = this.#enter()
      if (isProbe === undefined) return unknowns(count, { kind: 'unknown', because: 'breaker-open' })
      const answers = await this.#askOnce(count, operation, isProbe, run)
      const mayRetry = attempt < this.limits.attemptsMax && this.#breaker.state !== 'open'
      if (causeOfSilence(answers) !== 'disconnected' || !mayRetry) return answers
      await this.#pause(attempt)
    }
  }

  async #askOnce(
    count: number,
    operation: OperationName,
    isProbe: boolean,
    run: () => Promise<readonly Lookup[]>,
  ): Promise<readonly Lookup[]> {
    const { observer } = this.#options
    try {
      const answers = await this.#withinMs(this.limits.lookupMs, run)
      const isSilent = causeOfSilence(answers) !== undefined
      this.#leave(isProbe, isSilent ? 'failed' : 'succeeded')
      if (isSilent) observer.failed?.({ tier: this.#tier, operation, kind: UNAVAILABLE })
      return answers
    } catch (error) {
      if (error instanceof GuardClosed)
        return unknowns(count, { kind: 'unknown', because: 'closed', cause: error })
      this.#leave(isProbe, isFailureOfTier(error) ? 'failed' : 'succeeded')
      if (error instanceof InvalidInput || error instanceof InvariantViolation) throw error
      observer.failed?.({ tier: this.#tier, operation, kind: errorKind(error) })
      const because = error instanceof NoAnswerInTime ? 'timeout' : 'disconnected'
      return unknowns(count, { kind: 'unknown', because, cause: error })
    }
  }

  /** @returns whether this call is the probe of a half-open breaker; `undefined`: it may not go through */
  #enter(): boolean | undefined {
    const before = this.#breaker.state
    if (before === 'closed') return false
    this.#move('asked')
    return before === 'open' && this.breakerState === 'half-open' ? true : undefined
  }

  #leave(isProbe: boolean, event: 'succeeded' | 'failed'): void {
    if (this.#breaker.state === (isProbe ? 'half-open' : 'closed')) this.#move(event)
  }

  #move(event: 'asked' | 'succeeded' | 'failed'): void {
    const { clock, observer } = this.#options
    const before = this.#breaker.state
    this.#breaker = nextBreaker(this.#breaker, event, clock.monotonicMs(), this.limits)
    const { state } = this.#breaker
    if (state === before) return
    const [backend, tier] = [this.#backend, this.#tier]
    observer.breaker?.({ backend, state })
    if (state === 'closed') observer.backendHealth?.({ backend, tier, isHealthy: true })
    if (before === 'closed') observer.backendHealth?.({ backend, tier, isHealthy: false })
  }

  #notAsked(): TierUnavailable {
    return new TierUnavailable(`${this.#backend} was not asked: it has not answered lately`, {
      details: { backend: this.#backend, because: 'breaker-open' },
    })
  }

  async #pause(retry: number): Promise<void> {
    const { clock, random, observer } = this.#options
    const delayMs = retryDelayMs(retry, random.fraction(), this.limits)
    observer.retried?.({ backend: this.#backend, attempt: retry + 1, delayMs })
    const caller = this.#join()
    await pause(clock, delayMs, caller).finally(() => this.#waiting.delete(caller))
  }

  async #withinMs<T>(timeoutMs: number, run: () => Promise<T>): Promise<T> {
    const caller = this.#join()
    const cancel = setBackgroundLimit(this.#options.clock, timeoutMs, () =>
      caller.leave(new NoAnswerInTime(this.#backend, timeoutMs)),
    )
    return caller.waitFor(run, () => {
      cancel()
      this.#waiting.delete(caller)
    })
  }

  /** One more whom {@link close} sends away. @throws GuardClosed */
  #join(): Caller {
    if (this.#isClosed) throw new GuardClosed(this.#backend)
    const caller = new Caller()
    this.#waiting.add(caller)
    return caller
  }
}

/** No caller waits for the tier any more; that says nothing about it. */
class GuardClosed extends TierUnavailable {
  constructor(backend: string) {
    super(`${backend} was closed`, { details: { backend, because: 'closed' } })
  }
}

/** A tier's call was given up. It may still happen. */
class NoAnswerInTime extends TierUnavailable {
  constructor(backend: string, timeoutMs: number) {
    super(`${backend} did not answer within ${timeoutMs} ms`, { details: { backend, timeoutMs } })
  }
}

const UNAVAILABLE = 'SE_TIER_UNAVAILABLE'

/** An error of ours, other than "unavailable" and "refuses us", was said by a tier that works. */
function isFailureOfTier(error: unknown): boolean {
  return (
    error instanceof TierUnavailable || error instanceof TierMisconfigured || !(error instanceof StorageError)
  )
}

function unknowns(count: number, lookup: Lookup & { kind: 'unknown' }): readonly Lookup[] {
  return new Array<Lookup>(count).fill(lookup)
}

/** Why none of the answers is one; `undefined`: some are, or parts of the tier are suspended, and no more than that is known. */
function causeOfSilence(answers: readonly Lookup[]): Exclude<UnknownCause, 'suspended'> | undefined {
  let because: Exclude<UnknownCause, 'suspended'> | undefined
  for (const answer of answers) {
    if (answer.kind !== 'unknown') return undefined
    if (answer.because !== 'suspended') because = answer.because
  }
  return because
}
