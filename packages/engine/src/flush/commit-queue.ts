import {
  invariant,
  isBetween,
  isNewer,
  newerStamp,
  STAMP_ABOVE_ALL,
  type ItemWrite,
  type Stamp,
} from '@se/core'
import type { SharedAccounts } from './shared-accounts.ts'
import { sizeOfWrite } from './batch-policy.ts'
import type { RecordHolder } from './low-water-mark.ts'
import type { BatchOutcome, OutgoingWrite, Restamped, SettledOutcome } from './outcomes.ts'

/** Waits until the archive has answered. */
export interface CommitWaiter {
  /** @param stamp of the write as it was sent at last: another one than it was added with where it was stamped anew */
  readonly resolve: (outcome: SettledOutcome, stamp: Stamp) => void
  readonly reject: (error: Error) => void
}

export interface CommitAddOptions {
  readonly waiter: CommitWaiter
  /** Sequence of its record; default `undefined`: it has none. */
  readonly logSequence?: number
  /** It was acknowledged before, and parked: it must not be lost. Default false. */
  readonly isAcknowledged?: boolean
  /** Its share of the budget was taken before. Default false: it is taken now. */
  readonly isAdmitted?: boolean
}

interface Entry extends OutgoingWrite, RecordHolder {
  write: ItemWrite
  firstLogSequence: number | undefined
  isSettled: boolean
  isOvertaken: boolean
  /** The newest stamp heard of the id since it was added. */
  heardStamp: Stamp | undefined
  readonly waiter: CommitWaiter
}

/**
 * Writes whose callers wait for the archive. No read gives one before it is committed [W1], and none is coalesced: each
 * has a caller and an outcome of its own. Of an id the newest is sent first; what it then overtakes needs not be sent.
 */
export class CommitQueue {
  readonly #ports: SharedAccounts
  /** In the order of arrival, without what is in flight. */
  #queued = new Set<Entry>()
  readonly #inFlight = new Set<Entry>()
  /** Queued and in flight. */
  readonly #byId = new Map<string, Entry[]>()
  /** Ids of several entries. */
  #sharedIds = 0
  #queuedBytes = 0
  #bytes = 0
  /** Why no caller waits any more. */
  #abandoned: Error | undefined

  constructor(ports: SharedAccounts) {
    this.#ports = ports
  }

  /** @param nowMs `Clock.monotonicMs` */
  add(
    write: ItemWrite,
    nowMs: number,
    { waiter, logSequence, isAcknowledged = false, isAdmitted = false }: CommitAddOptions,
  ): void {
    const { arrivals, budget, lowWaterMark } = this.#ports
    const bytes = sizeOfWrite(write)
    if (this.#abandoned !== undefined) {
      // Its record, if it has one, is kept: the log is replayed.
      if (isAdmitted) budget.giveBack(bytes)
      waiter.reject(this.#abandoned)
      return
    }
    if (!isAdmitted) budget.take(bytes)
    this.#bytes += bytes
    const order = arrivals.next()
    const entry: Entry = {
      write,
      bytes,
      order,
      addedAtMs: nowMs,
      isPending: false,
      isAcknowledged,
      isOvertaken: false,
      heardStamp: undefined,
      firstLogSequence: logSequence,
      isSettled: false,
      waiter,
    }
    this.#queued.add(entry)
    this.#queuedBytes += bytes
    const ofId = this.#byId.get(write.id)
    if (ofId === undefined) this.#byId.set(write.id, [entry])
    else if (ofId.push(entry) === 2) this.#sharedIds += 1
    if (logSequence === undefined) return
    lowWaterMark.claim(entry)
    lowWaterMark.report(logSequence)
  }

  /** Stamp of the newest write of an id; `undefined`: there is none. */
  newestStamp(id: string): Stamp | undefined {
    let newest: Stamp | undefined
    for (const { write } of this.#byId.get(id) ?? []) newest = newerStamp(newest, write.stamp)
    return newest
  }

  /**
   * A write, a delete or a ledger row of the id was heard of: an older one, once committed, is not the newest [R2].
   *
   * @param spared writes up to this stamp stay as they are; default: none
   */
  overtake(id: string, by: Stamp, spared?: Stamp): void {
    const ofId = this.#byId.get(id)
    if (ofId === undefined) return
    for (const entry of ofId) if (isBetween(entry.write.stamp, spared, by)) hear(entry, by)
  }

  /** Something may have been missed: anything may have been overtaken. */
  overtakeAll(): void {
    for (const entry of [...this.#queued, ...this.#inFlight]) hear(entry, STAMP_ABOVE_ALL)
  }

  /**
   * A newer write of an id is in the archive: what waits and is older needs not be sent, and its caller is told.
   *
   * @param spared writes up to this stamp stay as they are; default: none
   * @returns how many were dropped
   */
  supersede(id: string, by: Stamp, spared?: Stamp): number {
    const ofId = this.#byId.get(id)
    if (ofId === undefined) return 0
    let count = 0
    // A copy: what is dropped leaves the list.
    for (const entry of [...ofId]) {
      if (this.#inFlight.has(entry) || !isBetween(entry.write.stamp, spared, by)) continue
      this.#dequeue(entry)
      this.#finish(entry, { kind: 'superseded', by, isFromFuture: false })
      count += 1
    }
    return count
  }

  /**
   * The archive will not be asked any more (stop, fenced): all callers that wait are told, now and later, and what is not in
   * flight is forgotten. What becomes of the rest is unknown.
   */
  abandon(error: Error): void {
    this.#abandoned = error
    for (const { waiter } of [...this.#inFlight, ...this.#queued]) waiter.reject(error)
    for (const entry of this.#queued) {
      this.#dequeue(entry)
      this.#forget(entry)
    }
  }

  // -------------------------------------------------------------------------------------------------------
  // Batches
  // -------------------------------------------------------------------------------------------------------

  /** What waits for a batch, by order of arrival. */
  queued(): IterableIterator<OutgoingWrite> {
    return this.#queued.values()
  }

  /** Whether no id has several writes. */
  get areIdsUnique(): boolean {
    return this.#sharedIds === 0
  }

  /** The newest of what waits of an id. */
  queuedOf(id: string): OutgoingWrite | undefined {
    let newest: Entry | undefined
    for (const entry of this.#byId.get(id) ?? []) {
      if (this.#queued.has(entry) && isNewer(entry.write.stamp, newest?.write.stamp)) newest = entry
    }
    return newest
  }

  /** Takes a write into flight. @param outgoing as {@link queued} gave it */
  take(outgoing: OutgoingWrite): void {
    const entry = outgoing as Entry
    invariant(this.#queued.has(entry), 'what is taken waits')
    this.#dequeue(entry)
    this.#inFlight.add(entry)
  }

  /** What became of writes in flight: their callers are told; what is stamped anew or set back waits again, in its old place. */
  settle(settled: readonly SettledCommit[]): void {
    let isAgain = false
    for (const { outgoing, outcome } of settled) {
      const entry = outgoing as Entry
      invariant(this.#inFlight.delete(entry), 'the write is the one in flight')
      if (outcome.kind !== 'set-back' && outcome.kind !== 'restamped') {
        this.#finish(entry, outcome)
        continue
      }
      if (this.#abandoned !== undefined) {
        this.#forget(entry)
        continue
      }
      if (outcome.kind === 'restamped') this.#restamp(entry, outcome)
      this.#queued.add(entry)
      this.#queuedBytes += entry.bytes
      isAgain = true
    }
    if (isAgain) this.#queued = new Set([...this.#queued].sort((a, b) => a.order - b.order))
  }

  // -------------------------------------------------------------------------------------------------------
  // Figures
  // -------------------------------------------------------------------------------------------------------

  /** What is still to be sent or settled. */
  get count(): number {
    return this.#queued.size + this.#inFlight.size
  }

  get queuedCount(): number {
    return this.#queued.size
  }

  /** Bytes of {@link queued}. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Bytes held, as `sizeOfWrite` counts. */
  get bytes(): number {
    return this.#bytes
  }

  // -------------------------------------------------------------------------------------------------------

  #dequeue(entry: Entry): void {
    this.#queued.delete(entry)
    this.#queuedBytes -= entry.bytes
  }

  #restamp(entry: Entry, { write, logSequence }: Restamped): void {
    entry.write = write
    entry.isOvertaken = entry.heardStamp !== undefined && isNewer(entry.heardStamp, write.stamp)
    if (logSequence !== undefined) this.#ports.lowWaterMark.report(logSequence)
  }

  #finish(entry: Entry, outcome: SettledOutcome): void {
    entry.isSettled = true
    this.#forget(entry)
    if (this.#abandoned === undefined) entry.waiter.resolve(outcome, entry.write.stamp)
  }

  /** Gives its share of the budget back. An entry that is not settled keeps its record in the log, which is replayed. */
  #forget(entry: Entry): void {
    const { id } = entry.write
    const ofId = this.#byId.get(id)!
    if (ofId.length === 1) {
      this.#byId.delete(id)
    } else {
      if (ofId.length === 2) this.#sharedIds -= 1
      this.#byId.set(
        id,
        ofId.filter((each) => each !== entry),
      )
    }
    this.#bytes -= entry.bytes
    this.#ports.budget.giveBack(entry.bytes)
  }
}

/** What became of a write that was in flight. */
export interface SettledCommit {
  readonly outgoing: OutgoingWrite
  readonly outcome: BatchOutcome
}

function hear(entry: Entry, stamp: Stamp): void {
  entry.heardStamp = newerStamp(entry.heardStamp, stamp)
  entry.isOvertaken = true
}
