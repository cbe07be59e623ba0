import {
  checkId,
  InvariantViolation,
  isNewer,
  newerStamp,
  STATE_DEFAULT,
  stampMs,
  type Clock,
  type ItemWrite,
  type Stamp,
  type StampClock,
  type StoredItem,
} from '@se/core'
import { LogFailed } from '@se/wal'
import { readDeleteOptions, readSubmitOptions, type DeleteCall, type SubmitCall } from '../call-options.ts'
import type { Level } from '../config.ts'
import type { Caller } from '../deadline/caller.ts'
import { sizeOfWrite } from '../flush/batch-policy.ts'
import type { PendingSet, Restamped, SettledOutcome } from '../flush/pending-set.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import { errorKind, type EngineObserver } from '../observer.ts'
import { LoadFloors, type RunningLoad } from '../read/load-floors.ts'
import { copyOf } from '../report.ts'
import type { Codec } from '../value/codec.ts'
import type { HeardWrite } from '../views/heard.ts'
import { admit } from './admission.ts'
import { draftRecord, encodeRecord, stampRecord, type RecordDraft } from './record.ts'

/** An acknowledged write. */
export interface WriteReceipt {
  /** Of the write; conditions and ETags carry it. */
  readonly stamp: Stamp
  /** What the acknowledgement is worth. */
  readonly level: Level
  /**
   * At level `archive`: something newer was there already, or another write of the id overtook this one on its
   * way. What the archive holds is newer than what was submitted.
   */
  readonly supersededBy?: Stamp
}

export interface WritePathPorts {
  readonly log: { append(record: Uint8Array): Promise<number> }
  readonly pending: PendingSet
  readonly memory: MemoryTier
  readonly stamps: Pick<StampClock, 'next' | 'witness' | 'isFromFuture'>
  /** The newest stamp that is known of an id outside of this part: pending, in memory, committed or heard of. */
  readonly newestKnown: (id: string) => Stamp | undefined
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: EngineObserver
  /** A write became visible: whatever is under way with something older of the id has to know [R2]. */
  readonly hear: (write: HeardWrite, from: 'own-acknowledged') => void
  /** Something waits for a flush; `isUrgent`: a caller waits for the archive. */
  readonly wake: (isUrgent: boolean) => void
  readonly valueBytesMax: number
  /** Encodes values that are no bytes; `undefined`: as JSON. */
  readonly codec: Codec | undefined
}

/**
 * submit → admission → stamp → log → pending set and memory → acknowledged.
 *
 * W1: nothing becomes visible before it is as safe as its writer asked for: a `log` write after the sync that
 * covers it, an `archive` write after the commit.
 */
export class WritePath {
  readonly #ports: WritePathPorts
  /** Writes on their way through the log, and what was heard of their ids meanwhile. */
  readonly #underWay = new LoadFloors()
  /** The same for `archive`-level writes on their way to the archive; nobody has been told that they are safe. */
  readonly #committing = new LoadFloors()
  readonly #unacknowledged = new WeakMap<ItemWrite, RunningLoad>()
  /** By id, the newest stamp given that no other part may know of yet, or that lies in the future. */
  readonly #given = new Map<string, Stamp>()
  /** The log has failed: what was accepted from now on could never be made safe. */
  #logFailure: LogFailed | undefined
  #running = 0
  #idle: (() => void)[] = []

  constructor(ports: WritePathPorts) {
    this.#ports = ports
  }

  /** @throws InvalidInput, Backpressure, or what the log throws; nothing was written then, or nobody knows (LogFailed) */
  async submit(
    id: string,
    value: unknown,
    call: SubmitCall = readSubmitOptions(undefined),
    caller?: Caller,
  ): Promise<WriteReceipt> {
    checkId(id)
    // Before anything is awaited: from here on the value is the caller's alone again [W11].
    return this.#write('submit', admit(id, value, call, this.#ports), call.level, caller)
  }

  /** A delete is a write: it has a stamp, goes through the log, and wins or loses by its stamp [W4, P19]. */
  async delete(
    id: string,
    call: DeleteCall = readDeleteOptions(undefined),
    caller?: Caller,
  ): Promise<WriteReceipt> {
    checkId(id)
    const draft = draftRecord({ id, state: STATE_DEFAULT, contentType: '', value: undefined })
    return this.#write('delete', draft, call.level, caller)
  }

  /**
   * Sends a write that was parked again, with its stamp. It is in the log at once, and read by nobody before the
   * archive has decided: by now it may be older than what is there.
   */
  async resubmit(write: ItemWrite): Promise<SettledOutcome> {
    const { log, pending, clock, wake } = this.#ports
    this.#running++
    let settled: Promise<SettledOutcome>
    try {
      const logSequence = await log.append(encodeRecord({ ...write, value: write.bytes }).record)
      settled = new Promise((resolve, reject) => {
        const waiter = { resolve: (outcome: SettledOutcome) => resolve(outcome), reject }
        pending.add(write, logSequence, clock.monotonicMs(), { isVisible: false, waiter })
        wake(true)
      })
    } finally {
      this.#leave()
    }
    const outcome = await settled
    // A later write of the id took its place on the way, and was not stored: it must stay where it was parked [W6].
    if (outcome.kind === 'rejected') throw outcome.error
    return outcome
  }

  /**
   * A write that lost to a stamp from the future goes on above it: that stamp says nothing of when the other write was made,
   * and would win for as long as it lies ahead [P67]. It is in the log under its new stamp before the old record may go.
   *
   * One that bears a stamp from the future itself loses like any other, or a replay of it would win over a later one.
   *
   * @param above the stamp it lost to
   * @returns `undefined` when the loss stands
   */
  async restamp(write: ItemWrite, above: Stamp): Promise<Restamped | undefined> {
    const { log, pending, stamps, hear, observer } = this.#ports
    if (stamps.isFromFuture(write.stamp)) return undefined
    // A later own write of the id will lose too, and go on.
    if (isNewer(pending.newestStamp(write.id)!, write.stamp)) return undefined
    const aheadMs = Math.max(0, stampMs(above) - stampMs(write.stamp))
    observer.fault?.({
      part: 'clock',
      what: 'an item bears a stamp from the future; a write of it was stamped anew above that',
      error: undefined,
      figures: { aheadMs },
    })
    const stamp = this.#nextStamp(write.id, above)
    const { record, write: again } = encodeRecord({ ...write, stamp, value: write.bytes })
    const course = this.#unacknowledged.get(write)
    if (course !== undefined) this.#unacknowledged.set(again, course)
    // A log that fails still has the old record, and replays it.
    const logSequence = course === undefined ? await log.append(record).catch(() => undefined) : undefined
    if (pending.read(write.id) === write) {
      hear({ id: write.id, stamp, isLive: undefined }, 'own-acknowledged')
      this.#show(again)
    }
    return { kind: 'restamped', write: again, logSequence }
  }

  /** A write, a delete or a ledger row of the id was heard of: an older write under way must not become visible. */
  raiseFloor(id: string, stamp: Stamp): void {
    this.#underWay.raise(id, stamp)
    this.#committing.raise(id, stamp)
  }

  /** Something may have been missed: what is on its way to the archive may be outdated when it has arrived. */
  raiseAllFloors(): void {
    this.#committing.raiseAll()
  }

  /**
   * Whether something newer than an `archive`-level write was heard of while it was on its way: another process'
   * write of which the views heard before our commit was answered, or a later own one.
   */
  isOvertaken(write: ItemWrite): boolean {
    const floor = this.#unacknowledged.get(write)?.floor
    return floor !== undefined && isNewer(floor, write.stamp)
  }

  /** Whether somebody was told that the write is safe. */
  isAcknowledged(write: ItemWrite): boolean {
    return !this.#unacknowledged.has(write)
  }

  /** Resolves when no write is between its admission and its acknowledgement by memory or log. */
  drained(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve))
  }

  async #write(
    operation: 'submit' | 'delete',
    draft: RecordDraft,
    level: Level,
    caller: Caller | undefined,
  ): Promise<WriteReceipt> {
    const { clock, observer } = this.#ports
    const startedMs = clock.monotonicMs()
    try {
      const { stamp, committed } = await this.#accept(draft, level, caller)
      const receipt = committed === undefined ? { stamp: copyOf(stamp), level } : receiptOf(await committed)
      observer.operation?.({
        tier: 'L1',
        operation,
        status: 'success',
        durationMs: clock.monotonicMs() - startedMs,
      })
      observer.written?.({ tier: 'L1', items: 1, bytes: draft.bytes?.length ?? 0 })
      return receipt
    } catch (error) {
      observer.operation?.({
        tier: 'L1',
        operation,
        status: 'error',
        durationMs: clock.monotonicMs() - startedMs,
      })
      observer.failed?.({ tier: 'L1', operation, kind: errorKind(error) })
      throw error
    }
  }

  /** @returns with `committed` when the archive has yet to answer */
  async #accept(
    draft: RecordDraft,
    level: Level,
    caller: Caller | undefined,
  ): Promise<{ stamp: Stamp; committed?: Promise<Settled> }> {
    const { pending } = this.#ports
    if (level !== 'archive' && this.#logFailure !== undefined) throw this.#logFailure
    const { id } = draft
    const bytes = sizeOfWrite(draft)
    this.#running++
    try {
      const wait = pending.admit(bytes, caller)
      if (wait !== undefined) await wait
      let isAdded = false
      try {
        // Stamp and append without a pause between: the records of an id lie in the log in stamp order.
        const stamp = this.#nextStamp(id)
        const { record, write } = stampRecord(draft, stamp)
        if (level === 'archive') {
          isAdded = true
          return { stamp, committed: this.#enqueue(write).finally(() => this.#forgetGiven(id, stamp)) }
        }
        const course = this.#underWay.begin(id, undefined)
        try {
          const logSequence = level === 'log' ? await this.#append(record) : undefined
          isAdded = true
          this.#accepted(write, logSequence, course.floor)
        } finally {
          this.#underWay.cancel(course)
          this.#forgetGiven(id, stamp)
        }
        return { stamp }
      } finally {
        if (!isAdded) pending.cancelAdmission(bytes)
      }
    } finally {
      this.#leave()
    }
  }

  #leave(): void {
    this.#running--
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #append(record: Uint8Array): Promise<number> {
    try {
      return await this.#ports.log.append(record)
    } catch (error) {
      if (error instanceof LogFailed) this.#logFailure = error
      throw error
    }
  }

  /** Joins the next batch without the log; visible after the commit. */
  #enqueue(write: ItemWrite): Promise<Settled> {
    const { pending, clock, wake } = this.#ports
    const course = this.#committing.begin(write.id, undefined)
    this.#unacknowledged.set(write, course)
    return new Promise<Settled>((resolve, reject) => {
      pending.add(write, undefined, clock.monotonicMs(), {
        isVisible: false,
        isAdmitted: true,
        waiter: { resolve: (outcome, stamp) => resolve({ outcome, stamp }), reject },
      })
      wake(true)
    }).finally(() => this.#committing.cancel(course))
  }

  /** @param heard newest stamp heard of the id while the write was under way */
  #accepted(write: ItemWrite, logSequence: number | undefined, heard: Stamp | undefined): void {
    const { pending, clock, hear, wake } = this.#ports
    // Overtaken, by a commit at level `archive` or by another process: it goes to L3, which says so, and nobody
    // reads it on the way.
    const isVisible = isNewer(write.stamp, heard)
    pending.add(write, logSequence, clock.monotonicMs(), { isVisible, isAdmitted: true })
    if (isVisible) hear({ id: write.id, stamp: write.stamp, isLive: undefined }, 'own-acknowledged')
    // A later write at level `memory` may have become visible first, while this one was synced.
    if (pending.read(write.id) === write) this.#show(write)
    wake(false)
  }

  #show(write: ItemWrite): void {
    if (write.bytes === undefined) return
    this.#ports.memory.put(itemOf({ ...write, bytes: write.bytes }), { isPinned: true })
  }

  #nextStamp(id: string, above?: Stamp): Stamp {
    const { stamps, newestKnown } = this.#ports
    if (above !== undefined) stamps.witness(above)
    const stamp = stamps.next(() => newerStamp(above, newerStamp(this.#given.get(id), newestKnown(id))))
    this.#given.set(id, stamp)
    return stamp
  }

  /**
   * The archive refused a write, as its stamp lies ahead of the archive's clock: it does not have the write, and later ones of the
   * id need not be above it. They would be refused with it for as long as it lies ahead [P67].
   */
  refusedAhead({ id, stamp }: ItemWrite): void {
    const given = this.#given.get(id)
    if (given !== undefined && !isNewer(given, stamp)) this.#given.delete(id)
  }

  /** The stamp is known elsewhere by now; one from the future is kept, as the other parts may forget it before it has come. */
  #forgetGiven(id: string, stamp: Stamp): void {
    if (this.#given.get(id) === stamp && !this.#ports.stamps.isFromFuture(stamp)) this.#given.delete(id)
    if (this.#given.size <= FUTURE_STAMPS_MAX) return
    for (const [oldId, old] of this.#given) {
      if (this.#given.size <= FUTURE_STAMPS_MAX / 2) break
      if (oldId !== id || old !== stamp) this.#given.delete(oldId)
    }
  }
}

/** A write as readers see it before the archive has it: no version, created now. */
export function itemOf(
  write: ItemWrite & { readonly bytes: Uint8Array },
  accepted?: { readonly version: number; readonly createdAtMs: number },
): StoredItem {
  const updatedAtMs = stampMs(write.stamp)
  return {
    id: write.id,
    bytes: write.bytes,
    stamp: write.stamp,
    version: accepted?.version,
    state: write.state,
    contentType: write.contentType,
    createdAtMs: accepted?.createdAtMs ?? updatedAtMs,
    updatedAtMs,
  }
}

/** What became of a write, and the stamp it was sent with at last. */
interface Settled {
  readonly outcome: SettledOutcome
  readonly stamp: Stamp
}

/** So many stamps from the future are remembered by their ids; half of them go when there are more. One that is forgotten is met again at the archive. */
const FUTURE_STAMPS_MAX = 100_000

function receiptOf({ stamp, outcome }: Settled): WriteReceipt {
  switch (outcome.kind) {
    case 'won':
    case 'held':
      return { stamp: copyOf(stamp), level: 'archive' }
    case 'superseded':
      return { stamp: copyOf(stamp), level: 'archive', supersededBy: copyOf(outcome.by) }
    case 'rejected':
      throw outcome.error
    case 'parked':
      throw new InvariantViolation('a write that nobody was told of is not parked')
  }
}
