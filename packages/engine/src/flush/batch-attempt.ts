import {
  ArchiveRefusedData,
  InstanceFenced,
  invariant,
  type BatchReceipt,
  type Clock,
  type ItemWrite,
  type Stamp,
  type WriteOutcome,
} from '@se/core'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import { errorKind, type EngineObserver, type FlushCause, type ParkCause } from '../observer.ts'
import type { HeardFrom, HeardWrite } from '../heard/heard.ts'
import { itemOf } from '../item.ts'
import { mayBeTheWrites, type Pause } from './batch-policy.ts'
import { Bisection } from './bisect.ts'
import type { CacheDelivery, DeliveryRight } from './cache-delivery.ts'
import type { Doubts } from './doubts.ts'
import type { FlushTally } from './flush-tally.ts'
import type { OwnLedger } from './own-ledger.ts'
import type { Batch, BatchOutcome, OutgoingWrite, Restamped, SettledOutcome } from './outcomes.ts'

/** Everything that a batch on its way touches. */
export interface BatchAttemptPorts {
  readonly archive: Pick<GuardedArchive, 'putBatch' | 'isPutRunning'>
  readonly ledger: OwnLedger
  readonly delivery: Pick<CacheDelivery, 'ask' | 'deliver'>
  readonly tally: Pick<FlushTally, 'add'>
  readonly doubts: Doubts<ItemWrite>
  readonly memory: MemoryTier
  /** Told of each write that is committed, and of what a write has lost to. */
  readonly hear: (write: HeardWrite, from: HeardFrom) => void
  /**
   * A write that lost to a stamp from the future goes on, stamped anew above it; `undefined`: it need not, as a later own write
   * of the id will, or it may not, as it was stamped so before.
   */
  readonly restamp: (outgoing: OutgoingWrite, above: Stamp) => Promise<Restamped | undefined>
  /** Keeps a write that the archive refuses; resolves when it is synced [W6]. */
  readonly park: (write: ItemWrite, because: ParkCause, error: unknown) => Promise<void>
  /** The archive refused a write, as its stamp lies ahead of the archive's clock. */
  readonly refusedAhead: (write: ItemWrite) => void
  /** Own ledger sequence that the views have heard of. */
  readonly heardThrough: () => number
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: EngineObserver
}

/** What the archive says of a write that it did not refuse. */
type Answer = Exclude<WriteOutcome, { kind: 'refused' }>

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
  #isSuspicionTold = false

  constructor(ports: BatchAttemptPorts, batch: Batch, cause: FlushCause) {
    this.#ports = ports
    this.batch = batch
    this.cause = cause
    this.startedMs = ports.clock.monotonicMs()
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
      const right = await this.#ports.delivery.ask(writes)
      let receipt: BatchReceipt
      try {
        receipt = await this.#send(writes)
      } catch (error) {
        await this.#judge(error)
        continue
      }
      await this.#settle(range.start, writes, receipt, right)
      this.#bisection.accepted()
      await this.#parkBad()
    }
    for (const index of this.#bisection.setBack) this.#outcomes[index] = { kind: 'set-back' }
    // Those set back are tried again soon where the archive takes others, else it may be the archive.
    if (this.#bisection.setBack.length > 0) this.#pause = this.#bisection.isFruitful ? 'short' : 'long'
  }

  /** One transaction. */
  async #send(writes: readonly ItemWrite[]): Promise<BatchReceipt> {
    const { archive, ledger, clock, observer } = this.#ports
    const startedMs = clock.monotonicMs()
    const { claim, next } = ledger
    const receipt = await archive.putBatch({ claim, ...next, writes })
    invariant(receipt.sequence === next.sequence, 'the archive answers for the batch that was sent')
    ledger.advance()
    const durationMs = clock.monotonicMs() - startedMs
    const bytes = writes.reduce((sum, write) => sum + (write.bytes?.length ?? 0), 0)
    observer.operation?.({ tier: 'L3', operation: 'batch_write', status: 'success', durationMs })
    observer.batch?.({ tier: 'L3', items: writes.length, bytes })
    return receipt
  }

  /** An attempt has failed: decides what is next. @throws the error, when the same is to be sent again after a pause */
  async #judge(error: unknown): Promise<void> {
    const { observer, ledger } = this.#ports
    observer.failed?.({ tier: 'L3', operation: 'batch_write', kind: errorKind(error) })
    if (error instanceof ArchiveRefusedData) {
      this.#failure = { error, isJudged: true }
      this.#bisection.refused()
      ledger.redraw()
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
   * @throws while the archive cannot say: then it is nobody's failure
   */
  async #askWhatBecame(): Promise<boolean> {
    const { archive, ledger } = this.#ports
    // It may still go through: nothing else is sent beside it.
    if (archive.isPutRunning) throw this.#failure!.error
    const isIn = await ledger.isNextIn()
    this.#failure!.isJudged = true
    // Sent again, the archive says what became of each write [W5].
    if (isIn || this.#bisection.failed()) return true
    ledger.redraw()
    this.#pause = 'short'
    this.#tellSuspicion()
    await this.#parkBad()
    return false
  }

  #tellSuspicion(): void {
    if (this.#isSuspicionTold) return
    this.#isSuspicionTold = true
    this.#ports.observer.fault?.({
      part: 'flush',
      what: 'a batch fails again and again while the archive takes other things; its parts are tried',
      error: this.#failure!.error,
    })
  }

  async #parkBad(): Promise<void> {
    for (const { index, because } of this.#bisection.bad) {
      this.#outcomes[index] ??= await this.#setAside(
        this.batch.outgoing[index]!,
        because,
        this.#failure?.error,
      )
    }
  }

  /** @param start index of the first of `writes` in the batch */
  async #settle(
    start: number,
    writes: readonly ItemWrite[],
    receipt: BatchReceipt,
    right: DeliveryRight | undefined,
  ): Promise<void> {
    const { observer, heardThrough, delivery, tally } = this.#ports
    const stored = receipt.outcomes.flatMap((outcome, index) =>
      outcome.kind === 'won' || outcome.kind === 'held' ? [writes[index]!] : [],
    )
    // Before anything leaves the pending set: an id must never be in neither [P13, P56]. Where the views have heard of
    // the batch before its answer came, they may have heard of newer writes too.
    const isHeard = heardThrough() >= receipt.sequence
    for (const [index, outcome] of receipt.outcomes.entries()) {
      if (outcome.kind !== 'refused') this.#hear(writes[index]!, outcome, isHeard)
    }
    for (const [index, outcome] of receipt.outcomes.entries()) {
      const outgoing = this.batch.outgoing[start + index]!
      this.#outcomes[start + index] =
        outcome.kind === 'refused'
          ? await this.#setAside(outgoing, outcome.because, undefined)
          : outcome.kind === 'superseded'
            ? await this.#settleLoser(outgoing, outcome)
            : this.#settleInMemory(outgoing, outcome)
    }
    const l3Bytes = stored.reduce((sum, write) => sum + (write.bytes?.length ?? 0), 0)
    observer.written?.({ tier: 'L3', items: stored.length, bytes: l3Bytes })
    tally.add({ groups: 1, l3: stored.length })
    delivery.deliver(right, writes, receipt)
  }

  /** What is committed hides all that is older of its id, also what has become visible while the batch was on its way [P84]. */
  #hear({ id, stamp, bytes }: ItemWrite, outcome: Answer, isHeard: boolean): void {
    const { hear } = this.#ports
    if (outcome.kind === 'superseded') {
      hear({ id, stamp: outcome.by, isLive: undefined, isInFilter: isHeard }, 'own-commit')
    } else {
      // Where the views have heard of it, they may have heard of newer writes too, and forgotten them.
      hear({ id, stamp, isLive: bytes !== undefined, isInFilter: isHeard }, 'own-commit')
    }
  }

  async #settleLoser(
    outgoing: OutgoingWrite,
    outcome: WriteOutcome & { kind: 'superseded' },
  ): Promise<SettledOutcome | Restamped> {
    if (!outcome.isFromFuture) return outcome
    return (await this.#ports.restamp(outgoing, outcome.by)) ?? outcome
  }

  #settleInMemory(
    { write, isPending, isAcknowledged, isOvertaken }: OutgoingWrite,
    outcome: WriteOutcome & { kind: 'won' | 'held' },
  ): SettledOutcome {
    const { memory } = this.#ports
    if (isPending) {
      memory.unpin(write.id, write.stamp, outcome)
    } else if (write.bytes !== undefined && !isAcknowledged && !isOvertaken) {
      // Only now may it be read [W1], and only if nothing newer came by on its way [R2].
      memory.put(itemOf({ ...write, bytes: write.bytes }, outcome))
    }
    return outcome
  }

  /** A write the archive does not take: kept in the local file, or its writer is told [W6]. */
  async #setAside(
    { write, isAcknowledged }: OutgoingWrite,
    because: ParkCause,
    cause: unknown,
  ): Promise<SettledOutcome> {
    const { refusedAhead, park, memory, observer } = this.#ports
    if (because === 'stamp-ahead-of-archive') refusedAhead(write)
    const error =
      cause instanceof ArchiveRefusedData
        ? cause
        : new ArchiveRefusedData(`the archive does not take the write: ${because}`, {
            cause,
            details: { because },
          })
    if (!isAcknowledged) return { kind: 'rejected', error }
    await park(write, because, error)
    // Reads give the archive's value from now on.
    if (memory.peek(write.id)?.item.stamp === write.stamp) memory.drop(write.id)
    observer.parked?.({ count: 1, because })
    return { kind: 'parked', because }
  }
}
