import { InstanceFenced, TierUnavailable, type CancelTimer, type Clock, type Random } from '@se/core'
import type { Caller } from '../deadline/caller.ts'
import type { FlushCause } from '../observer/events.ts'
import type { BatchAttempt } from './batch-attempt.ts'
import { dueCause, dueInMs, retryPauseMs, type BatchLimits, type Pause } from './batch-policy.ts'
import type { FlushQueue } from './flush-queue.ts'
import type { FlushReport } from './flush-report.ts'
import type { LogRelease } from './log-release.ts'
import type { Batch, LoggedWrite } from './outcomes.ts'
import type { Retirement } from './retirement.ts'

export interface FlushPipelinePorts {
  readonly queue: FlushQueue
  /** Begins with a batch; nothing is sent yet. */
  readonly begin: (batch: Batch, cause: FlushCause) => BatchAttempt
  readonly logRelease: LogRelease
  readonly retirement: Retirement
  readonly report: FlushReport
  readonly clock: Clock
  readonly random: Pick<Random, 'fraction'>
  /** What failed: another process took the instance over, and no batch will ever be accepted again; or something that should not fail. */
  readonly onFailure: (error: unknown) => void
}

interface Flusher {
  readonly throughOrder: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Moves pending items to L3, then L2, one batch at a time.
 *
 * W2: a record is released only after the pending set has settled all that needs it. W5: after a failure nothing but
 * the same batch is sent before it is known what became of it, see `batch-attempt.ts`. W9: one that fails again and again while the
 * archive takes other things is sent in parts, see `bisect.ts`.
 */
export class FlushPipeline {
  readonly #ports: FlushPipelinePorts
  readonly #limits: BatchLimits
  #isRunning = false
  #isStopped = false
  #attempt: BatchAttempt | undefined
  #flushers: Flusher[] = []
  /** Writes up to this order are to be sent without waiting for company. */
  #forcedThrough = 0
  #cancelTimer: CancelTimer | undefined
  /** The pause after a failure, ms; 0: none. */
  #retryMs = 0
  #pause: Pause = 'usual'
  /** The pause is for writes that failed alone: what comes meanwhile goes at once, and before them [W9]. */
  #isSetBack = false

  constructor(ports: FlushPipelinePorts, limits: BatchLimits) {
    this.#ports = ports
    this.#limits = limits
  }

  /** Something was added to the pending set. */
  wake(isUrgent: boolean): void {
    if (isUrgent) this.#forcedThrough = this.#ports.queue.lastOrder
    if (this.#isRunning || this.#isStopped || (this.#retryMs > 0 && !this.#isSetBack)) return
    if (this.#dueCause() !== undefined) this.#run()
    else this.#schedule()
  }

  /**
   * Sends everything that was accepted before the call, and waits until L3 has it.
   *
   * @param caller one who goes is forgotten; the batch goes on [P7]
   * @throws the error of an attempt that failed; the items stay pending and are tried again in the background
   */
  flush(caller?: Caller): Promise<void> {
    const throughOrder = this.#ports.queue.lastOrder
    if (this.#ports.queue.settledThrough >= throughOrder) return Promise.resolve()
    if (this.#isStopped) return Promise.reject(stopped())
    return new Promise((resolve, reject) => {
      const flusher: Flusher = { throughOrder, resolve, reject }
      this.#flushers.push(flusher)
      caller?.onGone(() => {
        this.#flushers = this.#flushers.filter((each) => each !== flusher)
      })
      this.#forcedThrough = Math.max(this.#forcedThrough, throughOrder)
      this.#retryMs = 0
      if (!this.#isRunning) this.#run()
    })
  }

  /**
   * Takes instances out of the archive that no process needs, between two batches: it is a row of the own ledger [P94].
   *
   * @param deadBeforeMs of the archive's clock
   * @returns how many were taken out
   * @throws TierUnavailable when the archive does not answer, or batches wait for it to answer
   */
  retireInstances(deadBeforeMs: number): Promise<number> {
    if (this.#isStopped) return Promise.reject(stopped())
    if (this.#retryMs > 0) return Promise.reject(new TierUnavailable('a batch waits to be sent again'))
    const retired = this.#ports.retirement.ask(deadBeforeMs)
    if (!this.#isRunning) this.#run()
    return retired
  }

  /** Sends nothing any more. A batch that is on its way is waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await this.#runEnd
    for (const flusher of this.#flushers.splice(0)) flusher.reject(stopped())
    this.#ports.retirement.giveUp(stopped())
  }

  #runEnd: Promise<void> = Promise.resolve()

  #run(): void {
    this.#cancelTimer?.()
    this.#isRunning = true
    this.#runEnd = this.#loop()
  }

  async #loop(): Promise<void> {
    try {
      for (;;) {
        if (this.#attempt === undefined && !this.#isStopped) await this.#ports.retirement.run()
        const cause = this.#attempt === undefined ? this.#dueCause() : this.#attempt.cause
        // Writes may also be settled by hearing of newer ones, so this is asked before there is nothing to do.
        this.#answerFlushers()
        if (cause === undefined || this.#isStopped) break
        this.#isSetBack = false
        await this.#sendBatch(cause)
        this.#retryMs = 0
      }
      this.#isRunning = false
    } catch (error) {
      // Before callers are told: one that asks again at once must find that the loop has ended, and start another.
      this.#isRunning = false
      this.#fail(error)
    }
    if (!this.#isStopped && !this.#isRunning) this.#schedule()
  }

  #fail(error: unknown): void {
    const { random, onFailure } = this.#ports
    const flushers = this.#flushers.splice(0)
    if (error instanceof InstanceFenced) {
      this.#isStopped = true
    } else {
      this.#retryMs = retryPauseMs(this.#retryMs, this.#pause, random.fraction())
      this.#pause = 'usual'
    }
    onFailure(error)
    for (const flusher of flushers) flusher.reject(error)
  }

  #dueCause(): FlushCause | undefined {
    const { queue, clock } = this.#ports
    const isForced = queue.settledThrough < this.#forcedThrough
    return dueCause(queue.queue, clock.monotonicMs(), this.#limits, isForced)
  }

  /** Wakes up when the next batch is due by age, or when a failed one is to be tried again. */
  #schedule(): void {
    const { queue, clock } = this.#ports
    this.#cancelTimer?.()
    const delayMs =
      this.#retryMs > 0 ? this.#retryMs : dueInMs(queue.queue, clock.monotonicMs(), this.#limits)
    if (delayMs === undefined) return
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      if (!this.#isRunning && !this.#isStopped) this.#run()
    })
  }

  #answerFlushers(): void {
    const { settledThrough } = this.#ports.queue
    this.#flushers = this.#flushers.filter((flusher) => {
      if (flusher.throughOrder > settledThrough) return true
      flusher.resolve()
      return false
    })
  }

  async #sendBatch(cause: FlushCause): Promise<void> {
    const { queue, begin, logRelease, report } = this.#ports
    const batch = queue.takeBatch(this.#limits)
    if (batch === undefined) return
    const attempt = this.#attempt?.batch === batch ? this.#attempt : begin(batch, cause)
    this.#attempt = attempt
    let covered: ReadonlyMap<number, LoggedWrite>
    try {
      await attempt.run()
      covered = await logRelease.findCovered(batch, attempt.settled())
    } catch (error) {
      queue.putBack(batch)
      this.#pause = attempt.pause
      report.failed(attempt)
      throw error
    }
    this.#attempt = undefined
    queue.settle(batch, attempt.settled(), covered)
    report.passed(attempt)
    await logRelease.release()
    const { setBackBecause } = attempt
    if (setBackBecause === undefined) return
    this.#answerFlushers()
    this.#pause = attempt.pause
    this.#isSetBack = true
    throw setBackBecause as Error
  }
}

function stopped(): TierUnavailable {
  return new TierUnavailable('the flush pipeline has stopped')
}
