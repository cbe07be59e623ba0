import { ArchiveRefusedData, InstanceFenced, invariant, type CommittedBatch, type ItemWrite } from '@se/core'
import type { FlushCause } from '../observer/events.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { mayBeTheWrites, type Pause } from './batch-policy.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { BatchSender } from './batch-sender.ts'
import { Bisection } from './bisect.ts'
import type { Doubts } from './doubts.ts'
import type { Batch, BatchOutcome } from './outcomes.ts'
import type { Settlement } from './settlement.ts'

export interface BatchAttemptPorts {
  readonly sender: Pick<BatchSender, 'send' | 'isIn'>
  readonly back: Pick<BackClient, 'giveUp'>
  readonly settlement: Pick<Settlement, 'settle' | 'setAside'>
  readonly doubts: Doubts<ItemWrite>
  readonly observer: EngineObserver
}

/**
 * A batch on its way to L3: sent as a whole, or in the parts that the archive takes of it, until each write has an outcome. How
 * far it has come survives a failure, so that nothing is sent twice.
 */
export class BatchAttempt {
  readonly batch: Batch
  readonly cause: FlushCause
  readonly startedMs: number
  readonly #ports: BatchAttemptPorts
  readonly #outcomes: (BatchOutcome | undefined)[]
  readonly #bisection: Bisection<ItemWrite>
  /** The last failure, and whether it is known what became of the attempt. */
  #failure: { readonly error: unknown; isJudged: boolean } | undefined
  #pause: Pause = 'usual'
  #isSuspicionReported = false

  /** @param startedMs `Clock.monotonicMs` */
  constructor(ports: BatchAttemptPorts, batch: Batch, cause: FlushCause, startedMs: number) {
    this.#ports = ports
    this.batch = batch
    this.cause = cause
    this.startedMs = startedMs
    this.#outcomes = new Array<undefined>(batch.writes.length).fill(undefined)
    this.#bisection = new Bisection(batch.writes, ports.doubts)
  }

  /** In the order of the batch; `undefined`: not known yet. */
  get outcomes(): readonly (BatchOutcome | undefined)[] {
    return this.#outcomes
  }

  /** The outcomes, once {@link run} has been through. */
  settled(): readonly BatchOutcome[] {
    return this.#outcomes.map((outcome) => {
      invariant(outcome !== undefined, 'each write of a batch that passed has an outcome')
      return outcome
    })
  }

  /** How long to wait after {@link run} failed, or has set writes back. */
  get pause(): Pause {
    return this.#pause
  }

  /** Why writes were set back; `undefined`: none was. */
  get setBackBecause(): unknown {
    return this.#bisection.setBack.length > 0 ? this.#failure?.error : undefined
  }

  /**
   * Goes on until each write has an outcome.
   *
   * @throws the error of the attempt that failed; to be called again after a pause
   */
  async run(): Promise<void> {
    this.#pause = 'usual'
    await this.#parkBad()
    if (this.#failure?.isJudged === false) await this.#askWhatBecame()
    for (let range = this.#bisection.current; range !== undefined; range = this.#bisection.current) {
      const writes = this.batch.writes.slice(range.start, range.end)
      let committed: CommittedBatch
      try {
        committed = await this.#ports.sender.send(writes)
      } catch (error) {
        await this.#judge(error)
        continue
      }
      const outgoing = this.batch.outgoing.slice(range.start, range.end)
      const settled = await this.#ports.settlement.settle(outgoing, committed)
      for (const [index, outcome] of settled.entries()) this.#outcomes[range.start + index] = outcome
      this.#bisection.accepted()
      await this.#parkBad()
    }
    for (const index of this.#bisection.setBack) this.#outcomes[index] = { kind: 'set-back' }
    // Those set back are tried again soon where the archive takes others, else it may be the archive.
    if (this.#bisection.setBack.length > 0) this.#pause = this.#bisection.isFruitful ? 'short' : 'long'
  }

  /** An attempt has failed: decides what is next. @throws the error, when the same is to be sent again after a pause */
  async #judge(error: unknown): Promise<void> {
    if (error instanceof ArchiveRefusedData) {
      this.#failure = { error, isJudged: true }
      this.#bisection.refused()
      this.#ports.back.giveUp()
      await this.#parkBad()
      return
    }
    this.#failure = { error, isJudged: !mayBeTheWrites(error) }
    if (this.#failure.isJudged) throw error
    let isAgain: boolean
    try {
      isAgain = await this.#askWhatBecame()
    } catch (unknown) {
      throw unknown instanceof InstanceFenced ? unknown : error
    }
    if (isAgain) throw error
  }

  /**
   * What became of the attempt that failed.
   *
   * @returns whether the same is to be sent again
   * @throws while the archive cannot say: then no write is to blame
   */
  async #askWhatBecame(): Promise<boolean> {
    const isIn = await this.#ports.sender.isIn(this.#failure!.error)
    this.#failure!.isJudged = true
    // Sent again, the archive says what became of each write [W5].
    if (isIn || this.#bisection.failed()) return true
    this.#ports.back.giveUp()
    this.#pause = 'short'
    this.#reportSuspicion()
    await this.#parkBad()
    return false
  }

  #reportSuspicion(): void {
    if (this.#isSuspicionReported) return
    this.#isSuspicionReported = true
    this.#ports.observer.fault?.({
      part: 'flush',
      what: 'a batch fails again and again while the archive takes other things; its parts are tried',
      error: this.#failure!.error,
    })
  }

  async #parkBad(): Promise<void> {
    for (const { index, because } of this.#bisection.bad) {
      const outgoing = this.batch.outgoing[index]!
      this.#outcomes[index] ??= await this.#ports.settlement.setAside(outgoing, because, this.#failure?.error)
    }
  }
}
