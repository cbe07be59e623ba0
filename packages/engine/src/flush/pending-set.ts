import {
  compareIds,
  compareStamps,
  invariant,
  isNewer,
  newerStamp,
  TierUnavailable,
  type ItemWrite,
  type Stamp,
  type WriteOutcome,
} from '@se/core'
import type { Caller } from '../deadline/caller.ts'
import type { ParkCause } from '../observer.ts'
import { cutBatch, sizeOfWrite, type BatchLimits, type QueueState } from './batch-policy.ts'
import { ReleaseOrder, type RecordHolder } from './release-order.ts'
import { Space, type SpaceLimits } from './space.ts'

/**
 * What became of a write that was in flight. A `refused` of the archive is no answer here: such a write is
 * parked (and synced) first, so that it cannot be lost by forgetting [W6].
 */
export type SettledOutcome =
  | Exclude<WriteOutcome, { kind: 'refused' }>
  /** In the parking file, synced. */
  | { readonly kind: 'parked'; readonly because: ParkCause }
  /** An `archive`-level write that was never acknowledged and cannot be stored: only its caller hears of it. */
  | { readonly kind: 'rejected'; readonly error: Error }

/** It lost to a stamp from the future, and goes on as this write, stamped anew above it [P67]. */
export interface Restamped {
  readonly kind: 'restamped'
  readonly write: ItemWrite
  /** Of its record; `undefined`: it has none. */
  readonly logSequence: number | undefined
}

/** It failed alone, and it is not known yet whether it is to blame: it goes into a later batch [W9]. */
export interface SetBack {
  readonly kind: 'set-back'
}

/** What becomes of a write of a batch. */
export type BatchOutcome = SettledOutcome | Restamped | SetBack

/** Who waits for the archive before a write is acknowledged. */
export interface SettleWaiter {
  /** @param stamp of the write as it was sent at last: another one than it was added with where it was stamped anew */
  readonly resolve: (outcome: SettledOutcome, stamp: Stamp) => void
  readonly reject: (error: Error) => void
}

export interface PendingAddOptions {
  /** An `archive`-level write is read only once it is committed [W1]; `memory` and `log` at once. */
  readonly isVisible: boolean
  /** Its share of space was taken by `admit`. Without, it is taken now, whether or not there is space. */
  readonly isAdmitted?: boolean
  readonly waiter?: SettleWaiter
}

/** A batch taken from the set. The object itself is its identity: the same one is sent again after a failure. */
export interface BatchInFlight {
  /** Unique ids, oldest first; never changed. */
  readonly writes: readonly ItemWrite[]
  /** As `sizeOfWrite` counts. */
  readonly bytes: number
  readonly oldestAddedAtMs: number
}

/** A visible pending write. */
export interface PendingEntry {
  readonly write: ItemWrite
  /** Sequence of its record in the log; `undefined`: it has none. */
  readonly logSequence: number | undefined
  readonly isInFlight: boolean
}

export interface PendingStats {
  /** Ids and generations: what is still to be sent or settled. */
  readonly items: number
  /** Bytes held, as `sizeOfWrite` counts. */
  readonly bytes: number
  readonly inFlightItems: number
}

/** A write as it stands in the log. */
export interface LoggedWrite {
  readonly write: ItemWrite
  readonly logSequence: number
}

const NOTHING_FOUND: ReadonlyMap<number, LoggedWrite> = new Map()

interface Held {
  readonly write: ItemWrite
  readonly logSequence: number | undefined
  readonly isVisible: boolean
  readonly bytes: number
}

interface Waiting {
  readonly stamp: Stamp
  readonly waiter: SettleWaiter
}

/** All that was written to an id from one batch to the next. */
interface Generation extends RecordHolder {
  readonly id: string
  /** Order of its first write among all writes ever added. */
  readonly order: number
  readonly addedAtMs: number
  /** What is sent. */
  newest: Held
  /** What is read: `newest`, or an older one while `newest` is not visible; `undefined`: nothing. */
  visible: Held | undefined
  firstLogSequence: number | undefined
  isSettled: boolean
  /** Begins with a write that was found in the log again: something newer may have been stored since it was covered. */
  readonly isFoundAgain: boolean
  waiting: Waiting[] | undefined
}

/**
 * Items acknowledged and not yet in L3 [W2]. Reads ask it before any tier below L1.
 *
 * Per id there are at most two generations: one in flight, which never changes, and the next, which coalesces to
 * the newest stamp. A generation is removed by being the one that was sent, never by looking like it [P8], and
 * holds the first log record of all its writes, also of those coalesced away [P59].
 *
 *   add ──► next ──takeBatch──► in flight ──settle──► gone
 *             ▲                  │     ▲
 *             │                  └─────┘ putBack: the same batch again
 *             └── settle "parked" or "rejected": an older acknowledged write it had covered
 */
export class PendingSet {
  /** In the order of their first write, oldest first. */
  #next = new Map<string, Generation>()
  readonly #inFlight = new Map<string, Generation>()
  readonly #space: Space
  readonly #releaseOrder = new ReleaseOrder()
  #batch:
    { readonly batch: BatchInFlight; readonly generations: readonly Generation[]; isOut: boolean } | undefined
  #heldBytes = 0
  /** Bytes of `newest` in `#next`: what the next batches will carry. */
  #queuedBytes = 0
  #lastOrder = 0
  /** All log sequences up to here have been added or skipped. */
  #addedThrough = 0
  readonly #addedBeyond = new Set<number>()
  /** Writes up to this order may have been overtaken without a word. */
  #unsureThrough = 0
  /** Why nobody is waited for any more. */
  #abandoned: Error | undefined

  constructor(limits: SpaceLimits) {
    this.#space = new Space(limits)
  }

  // -------------------------------------------------------------------------------------------------------
  // Space [W8]
  // -------------------------------------------------------------------------------------------------------

  /**
   * Takes space for a write of `bytes` (from `sizeOfWrite`), before it is stamped and logged. Pass `isAdmitted` to
   * `add` afterwards, or give the space back with `cancelAdmission`.
   *
   * @returns `undefined` when there was space, else a promise
   * @throws Backpressure when there is none and writers are refused
   */
  admit(bytes: number, caller?: Caller): Promise<void> | undefined {
    return this.#space.admit(bytes, caller)
  }

  /** The write that was admitted will not come. */
  cancelAdmission(bytes: number): void {
    this.#space.giveBack(bytes)
  }

  /** Turns away the writers that wait for space. */
  rejectWaiting(error: Error): void {
    this.#space.rejectWaiting(error)
  }

  /** Space in use, admitted writes included, and its limits. */
  get space(): Pick<Space, 'used' | 'limits' | 'waiting'> {
    return this.#space
  }

  // -------------------------------------------------------------------------------------------------------
  // Adding and reading
  // -------------------------------------------------------------------------------------------------------

  /** The log's first record will be `sequence`; before the first `add`. Without a call it is 1. */
  expectLogFrom(sequence: number): void {
    invariant(this.#lastOrder === 0, 'the log is announced before the first write')
    this.#addedThrough = sequence - 1
  }

  /**
   * Adds a write, in any order of stamps: the newest is kept.
   *
   * @param logSequence of its record; `undefined` at level `memory` and `archive`
   * @param nowMs `Clock.monotonicMs`
   */
  add(write: ItemWrite, logSequence: number | undefined, nowMs: number, options: PendingAddOptions): void {
    const bytes = sizeOfWrite(write)
    if (this.#abandoned !== undefined && options.waiter !== undefined) {
      // Too late for the archive: whoever waits for it is told, instead of waiting for ever.
      if (options.isAdmitted === true) this.#space.giveBack(bytes)
      options.waiter.reject(this.#abandoned)
      return
    }
    if (options.isAdmitted !== true) this.#space.take(bytes)
    this.#lastOrder += 1
    if (logSequence !== undefined) this.#noteSequence(logSequence)
    this.#heldBytes += bytes
    const held: Held = { write, logSequence, isVisible: options.isVisible, bytes }

    let generation = this.#next.get(write.id)
    if (generation === undefined) {
      generation = {
        id: write.id,
        order: this.#lastOrder,
        addedAtMs: nowMs,
        newest: held,
        visible: options.isVisible ? held : undefined,
        firstLogSequence: logSequence,
        isSettled: false,
        isFoundAgain: false,
        waiting: undefined,
      }
      this.#next.set(write.id, generation)
      this.#queuedBytes += bytes
      this.#releaseOrder.claim(generation)
    } else {
      this.#coalesce(generation, held)
      this.#needFrom(generation, logSequence)
    }
    if (options.waiter !== undefined) {
      generation.waiting ??= []
      generation.waiting.push({ stamp: write.stamp, waiter: options.waiter })
    }
  }

  /** The record at `sequence` is no pending write (it was undone, or is of another kind), and holds nothing. */
  skip(sequence: number): void {
    this.#noteSequence(sequence)
  }

  /** The newest visible write of an id, `bytes: undefined` if it is a delete; `undefined`: none is pending. */
  read(id: string): ItemWrite | undefined {
    return this.#visible(id)?.write
  }

  /** The newest visible write of an id with what is known of it, for people. */
  entry(id: string): PendingEntry | undefined {
    const held = this.#visible(id)
    return held === undefined ? undefined : this.#entryOf(held)
  }

  /**
   * Ledger rows have been missed for good: any of the writes pending now may have been overtaken by one of another process, and
   * nobody will say so. Until they are settled, a reader asks the archive too [R5].
   */
  doubt(): void {
    this.#unsureThrough = this.#lastOrder
  }

  /** Whether something newer than the pending writes of an id would have been heard of. */
  isSure(id: string): boolean {
    const [next, inFlight] = [this.#next.get(id), this.#inFlight.get(id)]
    if (next?.isFoundAgain === true || inFlight?.isFoundAgain === true) return false
    return Math.min(next?.order ?? Infinity, inFlight?.order ?? Infinity) > this.#unsureThrough
  }

  /** Stamp of the newest write of an id, visible or not; `undefined`: none is pending. */
  newestStamp(id: string): Stamp | undefined {
    return newerStamp(this.#next.get(id)?.newest.write.stamp, this.#inFlight.get(id)?.newest.write.stamp)
  }

  /**
   * A copy of the visible writes whose id begins with `prefix` and comes after `after`, in the order of their
   * bytes. Scans take it before they read a page, so that nothing falls between the two [P62].
   */
  inPrefixRange(prefix: string, after?: string): readonly ItemWrite[] {
    const writes: ItemWrite[] = []
    for (const id of this.#ids()) {
      if (!id.startsWith(prefix) || (after !== undefined && compareIds(id, after) <= 0)) continue
      const held = this.#visible(id)
      if (held !== undefined) writes.push(held.write)
    }
    return writes.sort((a, b) => compareIds(a.id, b.id))
  }

  /** All visible pending writes, in no order. */
  *entries(): IterableIterator<PendingEntry> {
    for (const id of this.#ids()) {
      const held = this.#visible(id)
      if (held !== undefined) yield this.#entryOf(held)
    }
  }

  /**
   * Another process' newer write of an id is in the archive: older pending ones are not read any more. Those in
   * flight are settled as ever; of the next generation, one that is older as a whole is dropped, as L3 holds
   * something newer [W2, R5].
   *
   * @returns how many pending writes were dropped
   */
  supersede(id: string, by: Stamp): number {
    const inFlight = this.#inFlight.get(id)
    if (inFlight !== undefined) this.#hideOlder(inFlight, by)
    const next = this.#next.get(id)
    if (next === undefined) return 0
    this.#hideOlder(next, by)
    if (!isNewer(by, next.newest.write.stamp)) return 0
    this.#next.delete(id)
    this.#queuedBytes -= next.newest.bytes
    this.#finish(next, { kind: 'superseded', by, isFromFuture: false })
    return 1
  }

  // -------------------------------------------------------------------------------------------------------
  // Batches
  // -------------------------------------------------------------------------------------------------------

  /** What waits for the next batch, for `dueCause`. */
  get queue(): QueueState {
    const oldest = this.#next.values().next().value
    return { items: this.#next.size, bytes: this.#queuedBytes, oldestAddedAtMs: oldest?.addedAtMs }
  }

  /**
   * The batch to send: the one that was put back, as it was, or the oldest pending writes within the limits;
   * `undefined`: there is nothing to send. One at a time.
   */
  takeBatch(limits: Pick<BatchLimits, 'itemsMax' | 'bytesMax'>): BatchInFlight | undefined {
    invariant(this.#batch?.isOut !== true, 'one batch is in flight at a time')
    if (this.#batch !== undefined) {
      this.#batch.isOut = true
      return this.#batch.batch
    }
    const count = cutBatch(this.#queuedSizes(), limits)
    if (count === 0) return undefined
    const generations: Generation[] = []
    const writes: ItemWrite[] = []
    let bytes = 0
    let oldestAddedAtMs = Infinity
    for (const generation of this.#next.values()) {
      if (generations.length === count) break
      generations.push(generation)
      writes.push(generation.newest.write)
      bytes += generation.newest.bytes
      oldestAddedAtMs = Math.min(oldestAddedAtMs, generation.addedAtMs)
    }
    for (const generation of generations) {
      this.#next.delete(generation.id)
      this.#inFlight.set(generation.id, generation)
    }
    this.#queuedBytes -= bytes
    const batch: BatchInFlight = { writes, bytes, oldestAddedAtMs }
    this.#batch = { batch, generations, isOut: true }
    return batch
  }

  /** The batch failed, or its fate is unknown: the next `takeBatch` gives the very same one [W5]. */
  putBack(batch: BatchInFlight): void {
    this.#current(batch).isOut = false
  }

  /**
   * Where in the log writes begin that a write of the batch has taken the place of, and of which only the log knows;
   * `undefined`: there are none. To be asked before such a write is settled as parked or rejected.
   */
  coveredFrom(batch: BatchInFlight, index: number): number | undefined {
    const { newest, visible, firstLogSequence } = this.#current(batch).generations[index]!
    if (firstLogSequence === undefined || firstLogSequence === newest.logSequence) return undefined
    return visible === undefined || visible === newest ? firstLogSequence : undefined
  }

  /**
   * Removes the batch, tells who waited, gives the space back.
   *
   * A write that was parked or rejected may cover an older acknowledged one: what this set still holds, as the newer
   * one was not yet visible, or what was found in the log. The older one goes to the head of the queue, and so does what is
   * stamped anew or set back.
   *
   * @param outcomes in the order of the batch's writes
   * @param found by index: the newest older write of the id from {@link coveredFrom} on
   */
  settle(
    batch: BatchInFlight,
    outcomes: readonly BatchOutcome[],
    found: ReadonlyMap<number, LoggedWrite> = NOTHING_FOUND,
  ): void {
    const { generations } = this.#current(batch)
    invariant(outcomes.length === generations.length, 'each write of the batch has an outcome', {
      writes: generations.length,
      outcomes: outcomes.length,
    })
    this.#batch = undefined
    this.#inFlight.clear()
    const again: Generation[] = []
    generations.forEach((generation, index) => {
      const outcome = outcomes[index]!
      if (outcome.kind === 'restamped') {
        again.push(this.#restamp(generation, outcome))
        return
      }
      if (outcome.kind === 'set-back') {
        again.push(generation)
        return
      }
      const covered = this.#coveredBy(generation, found.get(index))
      const isStored = outcome.kind !== 'parked' && outcome.kind !== 'rejected'
      if (!isStored && covered !== undefined) {
        again.push(this.#uncover(generation, covered, outcome))
      } else {
        this.#finish(generation, outcome)
      }
    })
    if (again.length > 0) this.#queueFirst(again)
  }

  /**
   * The archive will not be asked any more (stop, fenced): everybody who waits for it is told, now and later, and
   * writes that were never acknowledged are forgotten, but for those in flight, whose fate is unknown.
   */
  abandon(error: Error): void {
    this.#abandoned = error
    this.rejectWaiting(error)
    for (const generation of [...this.#inFlight.values(), ...this.#next.values()]) {
      for (const { waiter } of generation.waiting ?? []) waiter.reject(error)
      generation.waiting = undefined
    }
    for (const generation of [...this.#next.values()]) {
      if (generation.newest.isVisible) continue
      const dropped = generation.newest
      this.#queuedBytes -= dropped.bytes
      if (generation.visible === undefined) {
        this.#next.delete(generation.id)
        generation.isSettled = true
      } else {
        generation.newest = generation.visible
        this.#queuedBytes += generation.newest.bytes
      }
      this.#letGo(dropped)
    }
  }

  // -------------------------------------------------------------------------------------------------------
  // Figures
  // -------------------------------------------------------------------------------------------------------

  /**
   * The log may forget all records up to here; 0 if none. Records that have been appended and not yet added (or
   * skipped) are never below it, whatever the order in which appends come back.
   */
  releasable(): number {
    const lowest = this.#releaseOrder.lowest()
    return lowest === undefined ? this.#addedThrough : Math.min(this.#addedThrough, lowest - 1)
  }

  /** Order of the last write added: a `flush` is done when {@link settledThrough} has reached it. */
  get lastOrder(): number {
    return this.#lastOrder
  }

  /** All writes up to this order are settled. */
  get settledThrough(): number {
    let oldest = this.#lastOrder + 1
    for (const generation of this.#batch?.generations ?? []) oldest = Math.min(oldest, generation.order)
    const queued = this.#next.values().next().value
    if (queued !== undefined) oldest = Math.min(oldest, queued.order)
    return oldest - 1
  }

  /** Age of the oldest pending write, ms; 0 when nothing is pending. */
  oldestAgeMs(nowMs: number): number {
    const oldest = Math.min(
      this.#batch?.batch.oldestAddedAtMs ?? Infinity,
      this.queue.oldestAddedAtMs ?? Infinity,
    )
    return oldest === Infinity ? 0 : Math.max(0, nowMs - oldest)
  }

  get stats(): PendingStats {
    return {
      items: this.#next.size + this.#inFlight.size,
      bytes: this.#heldBytes,
      inFlightItems: this.#inFlight.size,
    }
  }

  // -------------------------------------------------------------------------------------------------------

  #visible(id: string): Held | undefined {
    const next = this.#next.get(id)?.visible
    const inFlight = this.#inFlight.get(id)?.visible
    if (next === undefined || inFlight === undefined) return next ?? inFlight
    return compareStamps(next.write.stamp, inFlight.write.stamp) >= 0 ? next : inFlight
  }

  #entryOf(held: Held): PendingEntry {
    const inFlight = this.#inFlight.get(held.write.id)
    return { write: held.write, logSequence: held.logSequence, isInFlight: inFlight?.visible === held }
  }

  *#ids(): IterableIterator<string> {
    yield* this.#next.keys()
    for (const id of this.#inFlight.keys()) if (!this.#next.has(id)) yield id
  }

  *#queuedSizes(): IterableIterator<number> {
    for (const generation of this.#next.values()) yield generation.newest.bytes
  }

  #current(batch: BatchInFlight) {
    const current = this.#batch
    invariant(current?.batch === batch && current.isOut, 'the batch is the one in flight')
    return current
  }

  /** Takes a write into a generation of the queue: the newest is sent, the newest visible one is read. */
  #coalesce(generation: Generation, held: Held): void {
    const { newest, visible } = generation
    if (isNewer(held.write.stamp, newest.write.stamp)) {
      generation.newest = held
      this.#queuedBytes += held.bytes - newest.bytes
    }
    if (held.isVisible && isNewer(held.write.stamp, visible?.write.stamp)) generation.visible = held
    const isHeld = (each: Held) => each === generation.newest || each === generation.visible
    if (!isHeld(newest)) this.#letGo(newest)
    if (visible !== undefined && visible !== newest && !isHeld(visible)) this.#letGo(visible)
    if (!isHeld(held)) this.#letGo(held)
  }

  #needFrom(generation: Generation, sequence: number | undefined): void {
    if (sequence === undefined || sequence >= (generation.firstLogSequence ?? Infinity)) return
    generation.firstLogSequence = sequence
    this.#releaseOrder.claim(generation)
  }

  #hideOlder(generation: Generation, by: Stamp): void {
    const { visible } = generation
    if (visible === undefined || !isNewer(by, visible.write.stamp)) return
    generation.visible = undefined
    if (visible !== generation.newest) this.#letGo(visible)
  }

  /** The generation is done: tells who waited, gives its space back, lets its records go. */
  #finish(generation: Generation, outcome: SettledOutcome): void {
    const { newest, visible } = generation
    generation.isSettled = true
    this.#tell(generation, outcome)
    this.#letGo(newest)
    if (visible !== undefined && visible !== newest) this.#letGo(visible)
  }

  #coveredBy({ newest, visible }: Generation, found: LoggedWrite | undefined): Held | undefined {
    if (visible !== undefined && visible !== newest) return visible
    if (found === undefined) return undefined
    const bytes = sizeOfWrite(found.write)
    this.#space.take(bytes)
    this.#heldBytes += bytes
    // Hidden with the newer one: another process' write of the id was heard of.
    return { ...found, isVisible: visible === newest, bytes }
  }

  /** The newest write of the generation was not stored; what it covered goes on, with the same records. */
  #uncover(generation: Generation, covered: Held, outcome: SettledOutcome): Generation {
    generation.isSettled = true
    this.#tell(generation, outcome)
    this.#letGo(generation.newest)
    const rest: Generation = {
      ...generation,
      newest: covered,
      visible: covered.isVisible ? covered : undefined,
      isSettled: false,
      isFoundAgain: generation.isFoundAgain || covered !== generation.visible,
      waiting: undefined,
    }
    this.#releaseOrder.claim(rest)
    return rest
  }

  /** The newest write of the generation goes on under another stamp, with the same waiters, and needs the same records too. */
  #restamp(generation: Generation, { write, logSequence }: Restamped): Generation {
    const { newest, visible, waiting } = generation
    generation.isSettled = true
    if (logSequence !== undefined) this.#noteSequence(logSequence)
    const held: Held = { ...newest, write, logSequence }
    if (visible !== undefined && visible !== newest) this.#letGo(visible)
    const rest: Generation = {
      ...generation,
      newest: held,
      visible: visible === newest ? held : undefined,
      isSettled: false,
      waiting: waiting?.map((each) =>
        compareStamps(each.stamp, newest.write.stamp) === 0 ? { ...each, stamp: write.stamp } : each,
      ),
    }
    this.#releaseOrder.claim(rest)
    return rest
  }

  #queueFirst(generations: readonly Generation[]): void {
    const queued = this.#next
    this.#next = new Map()
    for (const generation of generations) {
      const newer = queued.get(generation.id)
      if (newer === undefined) {
        this.#queuedBytes += generation.newest.bytes
        this.#next.set(generation.id, generation)
        continue
      }
      // The id has been written again: what is left joins that generation, which is as old as both.
      const { newest, visible } = generation
      generation.isSettled = true
      queued.delete(generation.id)
      const merged: Generation = {
        ...newer,
        order: generation.order,
        addedAtMs: generation.addedAtMs,
        isFoundAgain: generation.isFoundAgain || newer.isFoundAgain,
        waiting: [...(generation.waiting ?? []), ...(newer.waiting ?? [])],
      }
      newer.isSettled = true
      this.#releaseOrder.claim(merged)
      this.#next.set(generation.id, merged)
      // What was hidden stays hidden, what was read under it goes on being read.
      this.#coalesce(merged, visible === newest ? newest : { ...newest, isVisible: false })
      if (visible !== undefined && visible !== newest) this.#coalesce(merged, visible)
      this.#needFrom(merged, generation.firstLogSequence)
    }
    for (const [id, generation] of queued) this.#next.set(id, generation)
  }

  #tell(generation: Generation, outcome: SettledOutcome): void {
    for (const { stamp, waiter } of generation.waiting ?? []) {
      if (compareStamps(stamp, generation.newest.write.stamp) === 0) waiter.resolve(outcome, stamp)
      else waiter.resolve(outcomeOfCoalesced(generation.newest.write.stamp, outcome), stamp)
    }
    generation.waiting = undefined
  }

  #letGo(held: Held): void {
    this.#heldBytes -= held.bytes
    this.#space.giveBack(held.bytes)
  }

  #noteSequence(sequence: number): void {
    if (sequence !== this.#addedThrough + 1) {
      if (sequence > this.#addedThrough) this.#addedBeyond.add(sequence)
      return
    }
    this.#addedThrough = sequence
    while (this.#addedBeyond.delete(this.#addedThrough + 1)) this.#addedThrough += 1
  }
}

/** What a waiter hears whose write was covered, before it was sent, by the one that was sent. */
function outcomeOfCoalesced(sent: Stamp, outcome: SettledOutcome): SettledOutcome {
  if (outcome.kind === 'won' || outcome.kind === 'held')
    return { kind: 'superseded', by: sent, isFromFuture: false }
  if (outcome.kind === 'superseded') return outcome
  const error = new TierUnavailable(
    'not stored: a later write of the same id took its place, and could not be stored',
  )
  return { kind: 'rejected', error }
}
