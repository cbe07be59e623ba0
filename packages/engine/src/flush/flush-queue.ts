import { invariant, isNewer, newerStamp, type ItemWrite, type Stamp } from '@se/core'
import { Arrivals } from './arrivals.ts'
import { joinsBatch, type BatchLimits, type QueueState } from './batch-policy.ts'
import { CommitQueue, type SettledCommit } from './commit-queue.ts'
import { LowWaterMark } from './low-water-mark.ts'
import type { Batch, BatchOutcome, LoggedWrite, OutgoingWrite } from './outcomes.ts'
import { PendingBudget, type PendingLimits } from './pending-budget.ts'
import { PendingSet, type SettledPending } from './pending-set.ts'

const NOTHING_COVERED: ReadonlyMap<number, LoggedWrite> = new Map()

/**
 * All writes on their way to the archive: those that are acknowledged in a {@link PendingSet}, those whose callers wait in a
 * {@link CommitQueue}. A batch takes from both, at most one write of an id: the newest. That the two go in any order is
 * safe, as the newest stamp wins in the archive [W3].
 */
export class FlushQueue {
  readonly budget: PendingBudget
  readonly lowWaterMark = new LowWaterMark()
  readonly pending: PendingSet
  readonly commits: CommitQueue
  readonly #arrivals = new Arrivals()
  #current: { readonly batch: Batch; isOut: boolean } | undefined

  constructor(limits: PendingLimits) {
    this.budget = new PendingBudget(limits)
    const shared = { arrivals: this.#arrivals, budget: this.budget, lowWaterMark: this.lowWaterMark }
    this.pending = new PendingSet(shared)
    this.commits = new CommitQueue(shared)
  }

  /** Stamp of the newest write of an id; `undefined`: none is on its way. */
  newestStamp(id: string): Stamp | undefined {
    return newerStamp(this.pending.newestStamp(id), this.commits.newestStamp(id))
  }

  /**
   * A newer write of an id is in the archive.
   *
   * @param spared writes up to this stamp stay as they are; default: none
   * @returns how many writes were dropped: they need not be sent
   */
  supersede(id: string, by: Stamp, spared?: Stamp): number {
    return this.pending.supersede(id, by, spared) + this.commits.supersede(id, by, spared)
  }

  /** The archive will not be asked any more: all callers that wait for it, or for space, are told. */
  abandon(error: Error): void {
    this.budget.rejectWaiting(error)
    this.commits.abandon(error)
  }

  // -------------------------------------------------------------------------------------------------------
  // Batches
  // -------------------------------------------------------------------------------------------------------

  /** What waits for the next batch, for `dueCause`. */
  get queue(): QueueState {
    const { pending, commits } = this
    return {
      items: pending.queuedCount + commits.queuedCount,
      bytes: pending.queuedBytes + commits.queuedBytes,
      oldestAddedAtMs: smaller(firstOf(pending.queued())?.addedAtMs, firstOf(commits.queued())?.addedAtMs),
    }
  }

  /**
   * The batch to send: the one that was put back, as it was, or the oldest writes within the limits; `undefined`: there is
   * nothing to send. One at a time.
   */
  takeBatch(limits: Pick<BatchLimits, 'itemsMax' | 'bytesMax'>): Batch | undefined {
    const current = this.#current
    invariant(current?.isOut !== true, 'one batch is in flight at a time')
    if (current !== undefined) {
      current.isOut = true
      return current.batch
    }
    const outgoing: OutgoingWrite[] = []
    const writes: ItemWrite[] = []
    let bytes = 0
    let oldestAddedAtMs = Infinity
    for (const each of this.#candidates()) {
      if (!joinsBatch(outgoing.length, bytes, each.bytes, limits)) break
      outgoing.push(each)
      writes.push(each.write)
      bytes += each.bytes
      oldestAddedAtMs = Math.min(oldestAddedAtMs, each.addedAtMs)
    }
    if (outgoing.length === 0) return undefined
    for (const each of outgoing) {
      if (each.isPending) this.pending.take(each)
      else this.commits.take(each)
    }
    const batch: Batch = { writes, outgoing, bytes, oldestAddedAtMs }
    this.#current = { batch, isOut: true }
    return batch
  }

  /** The batch failed, or its fate is unknown: the next `takeBatch` gives the very same one [W5]. */
  putBack(batch: Batch): void {
    this.#inFlight(batch).isOut = false
  }

  /**
   * The first log sequence of the writes that a write of the batch replaced while it was pending, and that now exist only in the
   * log; `undefined`: there are none. To be asked before the write is settled as parked.
   */
  coveredFrom(batch: Batch, index: number): number | undefined {
    this.#inFlight(batch)
    const outgoing = batch.outgoing[index]!
    return outgoing.isPending ? this.pending.coveredFrom(outgoing) : undefined
  }

  /**
   * The batch is done with: callers that wait are told, shares of the budget given back, records let go.
   *
   * @param outcomes in the order of the batch's writes
   * @param covered by index: the newest older write of the id from {@link coveredFrom} on
   */
  settle(
    batch: Batch,
    outcomes: readonly BatchOutcome[],
    covered: ReadonlyMap<number, LoggedWrite> = NOTHING_COVERED,
  ): void {
    this.#inFlight(batch)
    invariant(outcomes.length === batch.writes.length, 'each write of the batch has an outcome', {
      writes: batch.writes.length,
      outcomes: outcomes.length,
    })
    this.#current = undefined
    const ofPending: SettledPending[] = []
    const ofCommits: SettledCommit[] = []
    for (const [index, outgoing] of batch.outgoing.entries()) {
      const outcome = outcomes[index]!
      if (outgoing.isPending) ofPending.push({ outgoing, outcome, covered: covered.get(index) })
      else ofCommits.push({ outgoing, outcome })
    }
    this.pending.settle(ofPending)
    this.commits.settle(ofCommits)
  }

  // -------------------------------------------------------------------------------------------------------
  // Figures
  // -------------------------------------------------------------------------------------------------------

  /** Order of the last write that arrived: a `flush` is done when {@link settledThrough} has reached it. */
  get lastOrder(): number {
    return this.#arrivals.last
  }

  /** All writes up to this order are settled. */
  get settledThrough(): number {
    let oldest = this.#arrivals.last + 1
    for (const { order } of this.#current?.batch.outgoing ?? []) oldest = Math.min(oldest, order)
    for (const first of [firstOf(this.pending.queued()), firstOf(this.commits.queued())]) {
      if (first !== undefined) oldest = Math.min(oldest, first.order)
    }
    return oldest - 1
  }

  /** Age of the oldest write, ms; 0 when there is none. */
  oldestAgeMs(nowMs: number): number {
    const oldest = smaller(this.#current?.batch.oldestAddedAtMs, this.queue.oldestAddedAtMs)
    return oldest === undefined ? 0 : Math.max(0, nowMs - oldest)
  }

  /** What is still to be sent or settled. */
  get count(): number {
    return this.pending.count + this.commits.count
  }

  // -------------------------------------------------------------------------------------------------------

  /** By order of arrival, each id once, with the newest of its writes. */
  #candidates(): Iterable<OutgoingWrite> {
    const { pending, commits } = this
    if (commits.queuedCount === 0) return pending.queued()
    if (pending.queuedCount === 0 && commits.areIdsUnique) return commits.queued()
    return this.#newestOfEach()
  }

  *#newestOfEach(): Generator<OutgoingWrite> {
    const { pending, commits } = this
    const seen = new Set<string>()
    for (const { write } of inOrder(pending.queued(), commits.queued())) {
      const { id } = write
      if (seen.has(id)) continue
      seen.add(id)
      const acknowledged = pending.queuedOf(id)
      const unacknowledged = commits.queuedOf(id)
      const isAcknowledgedNewer =
        unacknowledged === undefined ||
        (acknowledged !== undefined && isNewer(acknowledged.write.stamp, unacknowledged.write.stamp))
      yield isAcknowledgedNewer ? acknowledged! : unacknowledged
    }
  }

  #inFlight(batch: Batch): { isOut: boolean } {
    const current = this.#current
    invariant(current?.batch === batch && current.isOut, 'the batch is the one in flight')
    return current
  }
}

/** Both, merged by order. */
function* inOrder(
  a: IterableIterator<OutgoingWrite>,
  b: IterableIterator<OutgoingWrite>,
): IterableIterator<OutgoingWrite> {
  let left = firstOf(a)
  let right = firstOf(b)
  while (left !== undefined || right !== undefined) {
    if (right === undefined || (left !== undefined && left.order < right.order)) {
      yield left!
      left = firstOf(a)
    } else {
      yield right
      right = firstOf(b)
    }
  }
}

function firstOf(writes: IterableIterator<OutgoingWrite>): OutgoingWrite | undefined {
  const { value, done } = writes.next()
  return done === true ? undefined : value
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}
