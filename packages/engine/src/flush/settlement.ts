import {
  ArchiveRefusedData,
  invariant,
  type CommittedBatch,
  type ItemWrite,
  type Stamp,
  type WriteOutcome,
} from '@se/core'
import type { Heard } from '../heard/heard.ts'
import { itemOf } from '../item.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { ParkCause } from '../observer/events.ts'
import type { EngineObserver } from '../observer/observer.ts'
import type { ParkingLot } from './parking.ts'
import type { OutgoingWrite, Restamped, SettledOutcome } from './outcomes.ts'

export interface SettlementPorts {
  readonly memory: Pick<MemoryTier, 'put' | 'unpin' | 'peek' | 'drop'>
  /** Told of each write that is committed, and of what a write has lost to. */
  readonly heard: Pick<Heard, 'hear'>
  /**
   * A write that lost to a stamp from the future goes on, stamped anew above it; `undefined`: it need not, as a later own write
   * of the id will, or it may not, as it was stamped so before.
   */
  readonly restamping: { restamp(outgoing: OutgoingWrite, above: Stamp): Promise<Restamped | undefined> }
  /** Keeps a write that the archive refuses; resolves when it is synced [W6]. */
  readonly parking: Pick<ParkingLot, 'park'>
  /** The archive refused a write, as its stamp lies ahead of the archive's clock. */
  readonly stamping: { refusedAhead(write: ItemWrite): void }
  /** Own ledger sequence that the views have heard of. */
  readonly heardThrough: () => number
  readonly observer: EngineObserver
}

/** What the archive says of a write that it did not refuse. */
type Answer = Exclude<WriteOutcome, { kind: 'refused' }>

/** Makes of the archive's answers what readers get and callers are told. */
export class Settlement {
  readonly #ports: SettlementPorts

  constructor(ports: SettlementPorts) {
    this.#ports = ports
  }

  /**
   * Hears of what was stored, at once, then decides what becomes of each write.
   *
   * @param committed with an outcome for each of `outgoing`
   */
  async settle(
    outgoing: readonly OutgoingWrite[],
    committed: CommittedBatch,
  ): Promise<(SettledOutcome | Restamped)[]> {
    invariant(
      committed.outcomes.length === outgoing.length,
      'the archive answers for each write that was sent',
      {
        sent: outgoing.length,
        answered: committed.outcomes.length,
      },
    )
    // Before anything leaves the pending set: an id must never be in neither [P13, P56]. Where the views have heard of
    // the batch before its answer came, they may have heard of newer writes too.
    const isHeard = this.#ports.heardThrough() >= committed.sequence
    for (const [index, outcome] of committed.outcomes.entries()) {
      if (outcome.kind !== 'refused') this.#hear(outgoing[index]!.write, outcome, isHeard)
    }
    const settled: (SettledOutcome | Restamped)[] = []
    for (const [index, outcome] of committed.outcomes.entries()) {
      const each = outgoing[index]!
      if (outcome.kind === 'refused') settled.push(await this.setAside(each, outcome.because, undefined))
      else if (outcome.kind === 'superseded') settled.push(await this.#settleLoser(each, outcome))
      else settled.push(this.#settleInMemory(each, outcome))
    }
    return settled
  }

  /**
   * A write the archive does not take: kept in the local file, or its caller is told [W6].
   *
   * @param cause the archive's error, where there is one
   */
  async setAside(
    { write, isAcknowledged }: OutgoingWrite,
    because: ParkCause,
    cause: unknown,
  ): Promise<SettledOutcome> {
    const { stamping, parking, memory, observer } = this.#ports
    if (because === 'stamp-ahead-of-archive') stamping.refusedAhead(write)
    const error =
      cause instanceof ArchiveRefusedData
        ? cause
        : new ArchiveRefusedData(`the archive does not take the write: ${because}`, {
            cause,
            details: { because },
          })
    if (!isAcknowledged) return { kind: 'rejected', error }
    await parking.park(write, because, error)
    // Reads give the archive's value from now on.
    if (memory.peek(write.id)?.item.stamp === write.stamp) memory.drop(write.id)
    observer.parked?.({ count: 1, because })
    return { kind: 'parked', because }
  }

  /** What is committed hides all that is older of its id, also what has become visible while the batch was on its way [P84]. */
  #hear({ id, stamp, bytes }: ItemWrite, outcome: Answer, isHeard: boolean): void {
    const { heard } = this.#ports
    if (outcome.kind === 'superseded') {
      heard.hear({ id, stamp: outcome.by, isLive: undefined, isInFilter: isHeard }, 'archive-answer')
    } else {
      // Where the views have heard of it, they may have heard of newer writes too, and forgotten them.
      heard.hear({ id, stamp, isLive: bytes !== undefined, isInFilter: isHeard }, 'own-commit')
    }
  }

  async #settleLoser(
    outgoing: OutgoingWrite,
    outcome: WriteOutcome & { kind: 'superseded' },
  ): Promise<SettledOutcome | Restamped> {
    if (!outcome.isFromFuture) return outcome
    return (await this.#ports.restamping.restamp(outgoing, outcome.by)) ?? outcome
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
}
