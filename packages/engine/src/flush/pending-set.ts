import {
  compareStamps,
  invariant,
  isBetween,
  isNewer,
  newerStamp,
  type ItemWrite,
  type Stamp,
} from '@se/core'
import { sizeOfWrite } from './batch-policy.ts'
import type { SharedAccounts } from './shared-accounts.ts'
import type { RecordHolder } from './low-water-mark.ts'
import type { BatchOutcome, LoggedWrite, OutgoingWrite } from './outcomes.ts'

export interface PendingAddOptions {
  /** Something newer of the id was heard of while the write was synced: it is stored, and not read. Default false. */
  readonly isOvertaken?: boolean
  /** Ledger rows were missed while the write was synced. Default false. */
  readonly isUnsure?: boolean
  /** Its share of the budget was taken before. Default false: it is taken now, whether or not there is any. */
  readonly isAdmitted?: boolean
}

/** A pending write that is read. */
export interface PendingEntry {
  readonly write: ItemWrite
  /** Sequence of its record in the log; `undefined`: it has none. */
  readonly logSequence: number | undefined
  readonly isInFlight: boolean
}

/** All that was written to an id from one batch to the next. */
interface Generation extends OutgoingWrite, RecordHolder {
  /** The newest. */
  write: ItemWrite
  bytes: number
  /** Of the record of `write`. */
  logSequence: number | undefined
  /** The first record of all its writes, also of those coalesced away [P59]. */
  firstLogSequence: number | undefined
  /** The last one: an older write may lie behind a newer one, as the clock went back, or it was replayed. */
  lastLogSequence: number | undefined
  /** Something newer was heard of that will not give way to it: it is not read. */
  isOvertaken: boolean
  isSettled: boolean
  /** Something newer may have been stored without a word: rows were missed while it was synced, or it was found in the log again. */
  isUnsure: boolean
}

/** What became of a write that was in flight. */
export interface SettledPending {
  readonly outgoing: OutgoingWrite
  readonly outcome: BatchOutcome
  /** What the log still has of the id, from {@link PendingSet.coveredFrom} on: the newest older write. */
  readonly covered: LoggedWrite | undefined
}

/**
 * Writes that are acknowledged and not yet in the archive [W2]. Reads ask it before any tier below memory.
 *
 * Per id there are at most two generations: one in flight, whose write never changes, and the next, which coalesces to the
 * newest stamp. A generation is removed by being the one that was sent, never by looking like it [P8].
 *
 *   add ──► next ──take──► in flight ──settle──► gone
 *             ▲                 │
 *             └─────────────────┘ set back, stamped anew, or parked while the log has an older one that it covered
 */
export class PendingSet {
  readonly #ports: SharedAccounts
  /** In the order of arrival. */
  #next = new Map<string, Generation>()
  readonly #inFlight = new Map<string, Generation>()
  #bytes = 0
  #queuedBytes = 0
  /** Writes up to this order may have been overtaken without a word. */
  #unsureThrough = 0

  constructor(ports: SharedAccounts) {
    this.#ports = ports
  }

  /**
   * Adds a write, in any order of stamps: the newest is kept.
   *
   * @param logSequence of its record; `undefined` at level `memory`
   * @param nowMs `Clock.monotonicMs`
   */
  add(
    write: ItemWrite,
    logSequence: number | undefined,
    nowMs: number,
    { isOvertaken = false, isUnsure = false, isAdmitted = false }: PendingAddOptions = {},
  ): void {
    const { arrivals, budget, lowWaterMark } = this.#ports
    const bytes = sizeOfWrite(write)
    if (!isAdmitted) budget.take(bytes)
    this.#bytes += bytes
    const order = arrivals.next()
    const made: Generation = {
      write,
      bytes,
      order,
      addedAtMs: nowMs,
      isPending: true,
      isAcknowledged: true,
      logSequence,
      firstLogSequence: logSequence,
      lastLogSequence: logSequence,
      isOvertaken,
      isSettled: false,
      isUnsure,
    }
    const generation = this.#next.get(write.id)
    if (generation === undefined) this.#enqueue(made)
    else this.#coalesce(generation, made)
    if (logSequence !== undefined) lowWaterMark.report(logSequence)
  }

  // -------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------

  /** The newest write of an id, `bytes: undefined` if it is a delete; `undefined`: none is pending, or something newer was heard of. */
  read(id: string): ItemWrite | undefined {
    return this.#shown(id)?.write
  }

  /** What {@link read} gives, with what is known of it, for people. */
  entry(id: string): PendingEntry | undefined {
    const shown = this.#shown(id)
    return shown === undefined ? undefined : this.#entryOf(shown)
  }

  /** All pending writes that are read, in no order. */
  *entries(): IterableIterator<PendingEntry> {
    for (const id of new Set([...this.#next.keys(), ...this.#inFlight.keys()])) {
      const shown = this.#shown(id)
      if (shown !== undefined) yield this.#entryOf(shown)
    }
  }

  /**
   * Ledger rows have been missed for good: any of the writes pending now may have been overtaken by one of another process, and
   * no ledger row will say so. Until they are settled, a reader asks the archive too [R5].
   */
  doubt(): void {
    this.#unsureThrough = this.#ports.arrivals.last
  }

  /** Whether something newer than the pending writes of an id would have been heard of. */
  isSure(id: string): boolean {
    const [next, inFlight] = [this.#next.get(id), this.#inFlight.get(id)]
    if (next?.isUnsure === true || inFlight?.isUnsure === true) return false
    return Math.min(next?.order ?? Infinity, inFlight?.order ?? Infinity) > this.#unsureThrough
  }

  /** Stamp of the newest write of an id, read or not; `undefined`: none is pending. */
  newestStamp(id: string): Stamp | undefined {
    return newerStamp(this.#next.get(id)?.write.stamp, this.#inFlight.get(id)?.write.stamp)
  }

  /**
   * A newer write of an id is in the archive: older pending ones are not read any more. What is in flight is settled as
   * ever; what waits and is older is dropped, as the archive holds something newer [W2, R5].
   *
   * @param spared writes up to this stamp stay as they are; default: none
   * @returns how many pending writes were dropped
   */
  supersede(id: string, by: Stamp, spared?: Stamp): number {
    const inFlight = this.#inFlight.get(id)
    if (inFlight !== undefined && isBetween(inFlight.write.stamp, spared, by)) inFlight.isOvertaken = true
    const next = this.#next.get(id)
    if (next === undefined || !isBetween(next.write.stamp, spared, by)) return 0
    this.#next.delete(id)
    this.#queuedBytes -= next.bytes
    this.#finish(next)
    return 1
  }

  // -------------------------------------------------------------------------------------------------------
  // Batches
  // -------------------------------------------------------------------------------------------------------

  /** What waits for a batch, by order of arrival. */
  queued(): IterableIterator<OutgoingWrite> {
    return this.#next.values()
  }

  /** What waits for a batch of an id. */
  queuedOf(id: string): OutgoingWrite | undefined {
    return this.#next.get(id)
  }

  /** Bytes of {@link queued}. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Takes what waits of an id into flight. @param outgoing as {@link queued} gave it */
  take(outgoing: OutgoingWrite): void {
    const { id } = outgoing.write
    const generation = this.#next.get(id)
    invariant(generation === outgoing, 'what is taken waits')
    invariant(!this.#inFlight.has(id), 'of an id one write is in flight at a time')
    this.#next.delete(id)
    this.#inFlight.set(id, generation)
    this.#queuedBytes -= generation.bytes
  }

  /**
   * The first log sequence of the writes that this one replaced while it was pending, and that now exist only in the log;
   * `undefined`: there are none. To be asked before the write is settled as parked.
   */
  coveredFrom(outgoing: OutgoingWrite): number | undefined {
    const { logSequence, firstLogSequence, lastLogSequence } = this.#inFlight.get(outgoing.write.id) ?? {}
    return firstLogSequence === logSequence && lastLogSequence === logSequence ? undefined : firstLogSequence
  }

  /**
   * What became of writes in flight. One that was parked may cover an older acknowledged one, which goes on in its place; so
   * does what is stamped anew or set back.
   */
  settle(settled: readonly SettledPending[]): void {
    const again: Generation[] = []
    for (const { outgoing, outcome, covered } of settled) {
      const generation = this.#inFlight.get(outgoing.write.id)
      invariant(generation === outgoing, 'the write is the one in flight')
      this.#inFlight.delete(outgoing.write.id)
      if (outcome.kind === 'set-back') {
        again.push(generation)
      } else if (outcome.kind === 'restamped') {
        generation.write = outcome.write
        generation.logSequence = outcome.logSequence
        if (outcome.logSequence !== undefined) this.#ports.lowWaterMark.report(outcome.logSequence)
        again.push(generation)
      } else if (outcome.kind === 'parked' && covered !== undefined) {
        this.#uncover(generation, covered)
        again.push(generation)
      } else {
        this.#finish(generation)
      }
    }
    if (again.length > 0) this.#enqueueAgain(again)
  }

  // -------------------------------------------------------------------------------------------------------
  // Figures
  // -------------------------------------------------------------------------------------------------------

  /** Generations: what is still to be sent or settled. */
  get count(): number {
    return this.#next.size + this.#inFlight.size
  }

  get queuedCount(): number {
    return this.#next.size
  }

  /** Bytes held, as `sizeOfWrite` counts. */
  get bytes(): number {
    return this.#bytes
  }

  // -------------------------------------------------------------------------------------------------------

  #shown(id: string): Generation | undefined {
    const next = this.#next.get(id)
    const inFlight = this.#inFlight.get(id)
    const newest =
      next !== undefined &&
      inFlight !== undefined &&
      compareStamps(next.write.stamp, inFlight.write.stamp) < 0
        ? inFlight
        : (next ?? inFlight)
    return newest?.isOvertaken === true ? undefined : newest
  }

  #entryOf(generation: Generation): PendingEntry {
    const { write, logSequence } = generation
    return { write, logSequence, isInFlight: this.#inFlight.get(write.id) === generation }
  }

  #enqueue(generation: Generation): void {
    this.#next.set(generation.write.id, generation)
    this.#queuedBytes += generation.bytes
    this.#ports.lowWaterMark.claim(generation)
  }

  /** Takes what arrived later into a generation that waits: the newest is sent and read, all records are needed. */
  #coalesce(generation: Generation, later: Generation): void {
    generation.isUnsure ||= later.isUnsure
    if (isNewer(later.write.stamp, generation.write.stamp)) {
      const { bytes } = generation
      this.#queuedBytes += later.bytes - bytes
      this.#release(bytes)
      generation.write = later.write
      generation.bytes = later.bytes
      generation.logSequence = later.logSequence
      generation.isOvertaken = later.isOvertaken
    } else {
      this.#release(later.bytes)
    }
    const { firstLogSequence, lastLogSequence } = later
    if (firstLogSequence === undefined || lastLogSequence === undefined) return
    generation.lastLogSequence = Math.max(lastLogSequence, generation.lastLogSequence ?? 0)
    if (firstLogSequence >= (generation.firstLogSequence ?? Infinity)) return
    generation.firstLogSequence = firstLogSequence
    this.#ports.lowWaterMark.claim(generation)
  }

  /** What was in flight waits again, in its old place. If an id was written again, both are one generation, as old as the first. */
  #enqueueAgain(generations: readonly Generation[]): void {
    for (const generation of generations) {
      const { id } = generation.write
      const later = this.#next.get(id)
      this.#queuedBytes += generation.bytes - (later?.bytes ?? 0)
      if (later !== undefined) {
        this.#coalesce(generation, later)
        later.isSettled = true
      }
      this.#next.set(id, generation)
    }
    this.#next = new Map([...this.#next].sort(([, a], [, b]) => a.order - b.order))
  }

  /** The older write goes on, with the same records, and is read as the one that covered it was. */
  #uncover(generation: Generation, { write, logSequence }: LoggedWrite): void {
    const bytes = sizeOfWrite(write)
    this.#ports.budget.take(bytes)
    this.#bytes += bytes
    this.#release(generation.bytes)
    generation.write = write
    generation.bytes = bytes
    generation.logSequence = logSequence
    generation.isUnsure = true
  }

  /** The generation is done: gives its share of the budget back, lets its records go. */
  #finish(generation: Generation): void {
    generation.isSettled = true
    this.#release(generation.bytes)
  }

  #release(bytes: number): void {
    this.#bytes -= bytes
    this.#ports.budget.giveBack(bytes)
  }
}
