import {
  ArchiveRefusedData,
  InstanceFenced,
  invariant,
  isNewer,
  StorageError,
  TierUnavailable,
  type ArchiveTier,
  type BatchReceipt,
  type CachePermit,
  type CachePut,
  type CacheTier,
  type CancelTimer,
  type Clock,
  type InstanceClaim,
  type ItemWrite,
  type Position,
  type Random,
  type Stamp,
  type WriteOutcome,
} from '@se/core'
import type { Caller } from '../deadline/caller.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import { errorKind, type EngineObserver, type FlushCause, type ParkCause } from '../observer.ts'
import type { HeardFrom, HeardWrite } from '../views/heard.ts'
import { itemOf } from '../write/write-path.ts'
import { dueCause, dueInMs, type BatchLimits } from './batch-policy.ts'
import { Bisection } from './bisect.ts'
import type { BatchInFlight, LoggedWrite, PendingSet, Restamped, SettledOutcome } from './pending-set.ts'

/** What was moved since the last `flush` call, in the background too. */
export interface FlushResult {
  /** Items sent to L3. */
  readonly items: number
  /** Items L2 and L3 have taken. */
  readonly l2: number
  readonly l3: number
  readonly parked: number
  readonly superseded: number
  /** Batches committed. */
  readonly groups: number
  /** Time spent in them, ms. */
  readonly durationMs: number
  /** Why the last one was sent; `none` when nothing was. */
  readonly reason: FlushCause | 'none'
}

/** Everything the pipeline touches. Nothing here can reach the engine, Redis or a socket. */
export interface PipelinePorts {
  readonly archive: Pick<ArchiveTier, 'putBatch'>
  /** The cache while it may be written to; asked anew for each batch. */
  readonly cache: () => Pick<CacheTier, 'put' | 'readPermits'> | undefined
  readonly log: { release(through: number): Promise<void> | void }
  /** The writes in the log from a sequence on, in its order. */
  readonly findInLog: (from: number) => AsyncIterable<LoggedWrite>
  readonly pending: PendingSet
  readonly memory: MemoryTier
  /** Told of each write that is committed, and of what a write has lost to. */
  readonly hear: (write: HeardWrite, from: HeardFrom) => void
  /**
   * A write that lost to a stamp from the future goes on, stamped anew above it; `undefined`: it need not, as a later own write
   * of the id will, or it may not, as it was stamped so before.
   */
  readonly restamp: (write: ItemWrite, above: Stamp) => Promise<Restamped | undefined>
  /** Keeps a write that the archive refuses; resolves when it is synced [W6]. */
  readonly park: (write: ItemWrite, because: ParkCause, error: unknown) => Promise<void>
  readonly isAcknowledged: (write: ItemWrite) => boolean
  /** Whether something newer than an `archive`-level write was heard of since it was submitted. */
  readonly isOvertaken: (write: ItemWrite) => boolean
  /** Own ledger sequence that the views have heard of. */
  readonly heardThrough: () => number
  /** Someone took the instance over: no batch will ever be accepted again. */
  readonly onFenced: (error: InstanceFenced) => void
  readonly claim: InstanceClaim
  readonly limits: BatchLimits
  readonly clock: Clock
  readonly random: Random
  readonly observer: EngineObserver
}

/** Pause before a failed batch is sent again in the background, ms; doubles up to the maximum. */
export const RETRY_MS_MIN = 100
export const RETRY_MS_MAX = 5_000
/** Random bytes of a link. */
const LINK_BYTES = 8
/** Batches that wait for a cache that is slow; further ones do without it, or they would pile up in memory. */
const CACHE_PUTS_MAX = 4

interface Flusher {
  readonly throughOrder: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A batch on its way: how far it has come survives a failure, so that nothing is sent twice. */
interface Passage {
  readonly batch: BatchInFlight
  readonly cause: FlushCause
  readonly outcomes: (SettledOutcome | Restamped | undefined)[]
  /** Set once the archive has refused the batch as data: the halves are sent instead [P6]. */
  bisection: Bisection | undefined
  readonly startedMs: number
}

const NOTHING: FlushResult = {
  items: 0,
  l2: 0,
  l3: 0,
  parked: 0,
  superseded: 0,
  groups: 0,
  durationMs: 0,
  reason: 'none',
}

/**
 * Moves pending items to L3, then L2, one batch at a time.
 *
 * W2: a record is released only after the pending set has settled all that needs it. W5: a batch whose fate is
 * unknown is sent again unchanged under the same sequence, and the archive answers with what became of it.
 */
export class FlushPipeline {
  readonly #ports: PipelinePorts
  #position: Position
  /** Link of the next ledger row; kept while its batch is sent again [W5]. */
  #nextLink: string
  #isRunning = false
  #isStopped = false
  #passage: Passage | undefined
  #flushers: Flusher[] = []
  /** Writes up to this order are to be sent without waiting for company. */
  #forcedThrough = 0
  #cancelTimer: CancelTimer | undefined
  #retryMs = 0
  /** The last write to L2; the next batch's waits for it. */
  #cachePut: Promise<void> = Promise.resolve()
  #cachePutCount = 0
  /** Told once: a log that has failed fails at every release. */
  #isReleaseFailing = false
  #result: FlushResult = NOTHING

  constructor(ports: PipelinePorts) {
    this.#ports = ports
    const { lastSequence: sequence, lastLink: link } = ports.claim
    this.#position = { sequence, link }
    this.#nextLink = this.#drawLink()
  }

  /** Where the own ledger stands: the last batch committed. */
  get position(): Position {
    return this.#position
  }

  #drawLink(): string {
    return Array.from(this.#ports.random.bytes(LINK_BYTES), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join('')
  }

  /** Something was added to the pending set. */
  wake(isUrgent: boolean): void {
    if (isUrgent) this.#forcedThrough = this.#ports.pending.lastOrder
    if (this.#isRunning || this.#isStopped || this.#retryMs > 0) return
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
    const throughOrder = this.#ports.pending.lastOrder
    if (this.#ports.pending.settledThrough >= throughOrder) return Promise.resolve()
    if (this.#isStopped) return Promise.reject(new TierUnavailable('the flush pipeline has stopped'))
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

  /** Waits until L2 has been told of all batches committed so far; how it went is not told. */
  cacheSettled(): Promise<void> {
    return this.#cachePut
  }

  /** Pending writes were dropped, as L3 holds something newer: lets go of their records [W2]. */
  releaseSettled(): void {
    void this.#release()
  }

  /** A log that cannot release keeps nothing from reaching the archive: its records are replayed at the next start. */
  async #release(): Promise<void> {
    const { log, pending, observer } = this.#ports
    try {
      await log.release(pending.releasable())
    } catch (error) {
      if (this.#isReleaseFailing) return
      this.#isReleaseFailing = true
      observer.fault?.({
        part: 'log',
        what: 'records could not be released; the log grows until it is opened again',
        error,
      })
    }
  }

  /** What was moved since the last call. */
  takeResult(): FlushResult {
    const result = this.#result
    this.#result = NOTHING
    return result
  }

  /** Sends nothing any more. A batch that is on its way is waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await this.#runEnd
    await this.#cachePut
    const error = new TierUnavailable('the flush pipeline has stopped')
    for (const flusher of this.#flushers.splice(0)) flusher.reject(error)
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
        const cause = this.#passage === undefined ? this.#dueCause() : this.#passage.cause
        // Writes may also be settled by hearing of newer ones, so this is asked before there is nothing to do.
        this.#tellFlushers()
        if (cause === undefined || this.#isStopped) break
        await this.#sendBatch(cause)
        this.#retryMs = 0
      }
      this.#isRunning = false
    } catch (error) {
      // Before anybody is told: who then asks again finds a loop that has ended, not one that no longer looks.
      this.#isRunning = false
      this.#fail(error)
    }
    if (!this.#isStopped && !this.#isRunning) this.#schedule()
  }

  #fail(error: unknown): void {
    const { observer, random, onFenced } = this.#ports
    const flushers = this.#flushers.splice(0)
    if (error instanceof InstanceFenced) {
      this.#isStopped = true
      onFenced(error)
    } else {
      this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, this.#retryMs * 2))
      // Up to a fifth off, so that processes that lost the archive together do not come back together.
      this.#retryMs *= 1 - random.fraction() / 5
    }
    if (!(error instanceof StorageError)) {
      observer.fault?.({ part: 'flush', what: 'a batch failed unexpectedly and will be sent again', error })
    }
    for (const flusher of flushers) flusher.reject(error)
  }

  #dueCause(): FlushCause | undefined {
    const { pending, clock, limits } = this.#ports
    const isForced = pending.settledThrough < this.#forcedThrough
    return dueCause(pending.queue, clock.monotonicMs(), limits, isForced)
  }

  /** Wakes up when the next batch is due by age, or when a failed one is to be tried again. */
  #schedule(): void {
    const { pending, clock, limits } = this.#ports
    this.#cancelTimer?.()
    const delayMs = this.#retryMs > 0 ? this.#retryMs : dueInMs(pending.queue, clock.monotonicMs(), limits)
    if (delayMs === undefined) return
    this.#cancelTimer = clock.setBackgroundTimer(delayMs, () => {
      if (!this.#isRunning && !this.#isStopped) this.#run()
    })
  }

  #tellFlushers(): void {
    const { settledThrough } = this.#ports.pending
    this.#flushers = this.#flushers.filter((flusher) => {
      if (flusher.throughOrder > settledThrough) return true
      flusher.resolve()
      return false
    })
  }

  async #sendBatch(cause: FlushCause): Promise<void> {
    const { pending, clock, observer } = this.#ports
    const batch = pending.takeBatch(this.#ports.limits)
    if (batch === undefined) return
    const passage: Passage =
      this.#passage?.batch === batch
        ? this.#passage
        : {
            batch,
            cause,
            outcomes: new Array<undefined>(batch.writes.length).fill(undefined),
            bisection: undefined,
            startedMs: clock.monotonicMs(),
          }
    this.#passage = passage
    let covered: ReadonlyMap<number, LoggedWrite>
    try {
      await this.#pass(passage)
      covered = await this.#findCovered(passage)
    } catch (error) {
      pending.putBack(batch)
      this.#tell(passage, 'error')
      observer.failed?.({ tier: 'L3', operation: 'batch_write', kind: errorKind(error) })
      throw error
    }
    this.#passage = undefined
    pending.settle(batch, passage.outcomes.map(answered), covered)
    this.#tell(passage, 'success')
    await this.#release()
  }

  /**
   * A write that was not stored may have taken the place of older acknowledged ones of its id before it was sent. The
   * log still has them, and must not let go of them before L3 has one [W2].
   */
  async #findCovered({ batch, outcomes }: Passage): Promise<ReadonlyMap<number, LoggedWrite>> {
    const { pending, findInLog } = this.#ports
    const wanted = new Map<string, { readonly index: number; readonly write: ItemWrite }>()
    let from = Infinity
    for (const [index, write] of batch.writes.entries()) {
      const kind = outcomes[index]?.kind
      if (kind !== 'parked' && kind !== 'rejected') continue
      const firstSequence = pending.coveredFrom(batch, index)
      if (firstSequence === undefined) continue
      wanted.set(write.id, { index, write })
      from = Math.min(from, firstSequence)
    }
    const found = new Map<number, LoggedWrite>()
    if (wanted.size === 0) return found
    for await (const logged of findInLog(from)) {
      const want = wanted.get(logged.write.id)
      if (want === undefined || !isNewer(want.write.stamp, logged.write.stamp)) continue
      if (isNewer(logged.write.stamp, found.get(want.index)?.write.stamp)) found.set(want.index, logged)
    }
    return found
  }

  /** Sends the batch, or what the archive takes of it, until each write has an outcome. */
  async #pass(passage: Passage): Promise<void> {
    const { writes } = passage.batch
    if (passage.bisection === undefined) {
      try {
        await this.#commit(passage, 0, writes)
        return
      } catch (error) {
        if (!(error instanceof ArchiveRefusedData)) throw error
        passage.bisection = new Bisection(writes.length)
        await this.#parkBad(passage, error)
      }
    }
    for (let range = passage.bisection.current; range !== undefined; range = passage.bisection.current) {
      try {
        await this.#commit(passage, range.start, writes.slice(range.start, range.end))
        passage.bisection.accepted()
      } catch (error) {
        if (!(error instanceof ArchiveRefusedData)) throw error
        passage.bisection.refused()
        await this.#parkBad(passage, error)
      }
    }
    await this.#parkBad(passage, undefined)
  }

  async #parkBad(passage: Passage, error: unknown): Promise<void> {
    for (const index of passage.bisection?.bad ?? []) {
      passage.outcomes[index] ??= await this.#setAside(passage.batch.writes[index]!, 'refused-data', error)
    }
  }

  /** One transaction. @param start index of the first of `writes` in the batch */
  async #commit(passage: Passage, start: number, writes: readonly ItemWrite[]): Promise<void> {
    const { archive, claim, clock, observer, heardThrough } = this.#ports
    const cache = this.#ports.cache()
    // Asked for before the transaction begins: what held then is what gives the right to create [§10].
    const permits = await this.#readPermits(cache, writes)
    const startedMs = clock.monotonicMs()
    const position: Position = { sequence: this.#position.sequence + 1, link: this.#nextLink }
    const { sequence } = position
    const receipt = await archive.putBatch({ claim, ...position, writes })
    invariant(receipt.sequence === sequence, 'the archive answers for the batch that was sent')
    this.#position = position
    this.#nextLink = this.#drawLink()
    const durationMs = clock.monotonicMs() - startedMs
    const bytes = writes.reduce((sum, write) => sum + (write.bytes?.length ?? 0), 0)
    observer.operation?.({ tier: 'L3', operation: 'batch_write', status: 'success', durationMs })
    observer.batch?.({ tier: 'L3', items: writes.length, bytes })

    const stored = receipt.outcomes.flatMap((outcome, index) =>
      outcome.kind === 'won' || outcome.kind === 'held' ? [writes[index]!] : [],
    )
    // Before anything leaves the pending set: an id must never be in neither [P13, P56]. Where the views have heard of
    // the batch before its answer came, they may have heard of newer writes too.
    const isHeard = heardThrough() >= sequence
    for (const [index, outcome] of receipt.outcomes.entries()) {
      if (outcome.kind !== 'refused') this.#hear(writes[index]!, outcome, isHeard)
    }
    for (const [index, outcome] of receipt.outcomes.entries()) {
      const write = writes[index]!
      passage.outcomes[start + index] =
        outcome.kind === 'refused'
          ? await this.#setAside(write, outcome.because, undefined)
          : outcome.kind === 'superseded'
            ? await this.#settleLoser(write, outcome)
            : this.#settleInMemory(write, outcome)
    }
    const l3Bytes = stored.reduce((sum, write) => sum + (write.bytes?.length ?? 0), 0)
    observer.written?.({ tier: 'L3', items: stored.length, bytes: l3Bytes })
    this.#count({ groups: 1, l3: stored.length })
    this.#putIntoCache(cache, permits, writes, receipt)
  }

  /** What is committed hides all that is older of its id, also what has become visible while the batch was on its way [P84]. */
  #hear({ id, stamp, bytes }: ItemWrite, outcome: Answer, isHeard: boolean): void {
    const { hear } = this.#ports
    if (outcome.kind === 'superseded') {
      hear({ id, stamp: outcome.by, isLive: undefined, isInFilter: isHeard }, 'own-commit')
    } else {
      // Where the views have heard of it, they may have heard of newer writes too, and forgotten them.
      const isLive = isHeard ? undefined : bytes !== undefined
      hear({ id, stamp, isLive, isInFilter: isHeard }, 'own-commit')
    }
  }

  async #settleLoser(
    write: ItemWrite,
    outcome: WriteOutcome & { kind: 'superseded' },
  ): Promise<SettledOutcome | Restamped> {
    if (!outcome.isFromFuture) return outcome
    return (await this.#ports.restamp(write, outcome.by)) ?? outcome
  }

  #settleInMemory(write: ItemWrite, outcome: WriteOutcome & { kind: 'won' | 'held' }): SettledOutcome {
    const { memory, isAcknowledged, isOvertaken } = this.#ports
    if (isAcknowledged(write)) {
      memory.unpin(write.id, write.stamp, outcome)
      return outcome
    }
    // Only now may an `archive`-level write be read [W1], and only if nothing newer came by on its way [R2].
    if (write.bytes !== undefined && !isOvertaken(write)) {
      memory.put(itemOf({ ...write, bytes: write.bytes }, outcome))
    }
    return outcome
  }

  /** A write the archive can never take: kept in the local file, or its writer is told [W6]. */
  async #setAside(write: ItemWrite, because: ParkCause, cause: unknown): Promise<SettledOutcome> {
    const { isAcknowledged, park, memory, observer } = this.#ports
    const error =
      cause instanceof ArchiveRefusedData
        ? cause
        : new ArchiveRefusedData(`the archive refuses the write: ${because}`, { details: { because } })
    if (!isAcknowledged(write)) return { kind: 'rejected', error }
    await park(write, because, error)
    // Reads give the archive's value from now on.
    if (memory.peek(write.id)?.item.stamp === write.stamp) memory.drop(write.id)
    observer.parked?.({ count: 1, because })
    return { kind: 'parked', because }
  }

  async #readPermits(
    cache: Pick<CacheTier, 'readPermits'> | undefined,
    writes: readonly ItemWrite[],
  ): Promise<readonly (CachePermit | undefined)[] | undefined> {
    try {
      return await cache?.readPermits(writes.map(({ id }) => id))
    } catch {
      return undefined
    }
  }

  /** Best effort, beside the next batch: what is missed here, whoever finishes the stripe makes good. */
  #putIntoCache(
    cache: Pick<CacheTier, 'put'> | undefined,
    permits: readonly (CachePermit | undefined)[] | undefined,
    writes: readonly ItemWrite[],
    receipt: BatchReceipt,
  ): void {
    // A settled batch was committed before its permits were read: they give no right to create.
    if (cache === undefined || permits === undefined || receipt.wasSettled) return
    const puts: CachePut[] = []
    for (const [index, outcome] of receipt.outcomes.entries()) {
      if (outcome.kind !== 'won') continue
      const write = writes[index]!
      puts.push({
        write,
        version: write.bytes === undefined ? 0 : outcome.version,
        createdAtMs: outcome.createdAtMs,
        permit: permits[index],
        kind: 'write',
      })
    }
    if (puts.length === 0 || this.#cachePutCount >= CACHE_PUTS_MAX) return
    this.#cachePutCount++
    this.#cachePut = this.#cachePut
      .then(() => this.#put(cache, puts))
      .finally(() => void this.#cachePutCount--)
  }

  async #put(cache: Pick<CacheTier, 'put'>, puts: readonly CachePut[]): Promise<void> {
    const { clock, observer } = this.#ports
    const startedMs = clock.monotonicMs()
    try {
      const outcomes = await cache.put(puts)
      const taken = puts.filter((_, index) => outcomes[index] === 'stored' || outcomes[index] === 'removed')
      const bytes = taken.reduce((sum, { write }) => sum + (write.bytes?.length ?? 0), 0)
      const durationMs = clock.monotonicMs() - startedMs
      observer.operation?.({ tier: 'L2', operation: 'batch_write', status: 'success', durationMs })
      observer.batch?.({ tier: 'L2', items: puts.length, bytes })
      observer.written?.({ tier: 'L2', items: taken.length, bytes })
      this.#count({ l2: taken.length })
    } catch (error) {
      const durationMs = clock.monotonicMs() - startedMs
      observer.operation?.({ tier: 'L2', operation: 'batch_write', status: 'error', durationMs })
      observer.failed?.({ tier: 'L2', operation: 'batch_write', kind: errorKind(error) })
    }
  }

  #tell(passage: Passage, status: 'success' | 'error'): void {
    const { clock, observer } = this.#ports
    const { batch, cause } = passage
    const kinds = passage.outcomes.map((outcome) => outcome?.kind)
    const counted = (kind: (SettledOutcome | Restamped)['kind']) =>
      kinds.filter((each) => each === kind).length
    const superseded = counted('superseded')
    const parked = counted('parked')
    const l3 = counted('won') + counted('held')
    const durationMs = clock.monotonicMs() - passage.startedMs
    observer.flushed?.({
      because: cause,
      status,
      items: batch.writes.length,
      bytes: batch.bytes,
      sequence: status === 'success' ? this.#position.sequence : undefined,
      l3,
      l2: 0,
      superseded,
      parked,
      durationMs,
    })
    if (status === 'error') return
    if (superseded > 0) observer.superseded?.({ count: superseded })
    this.#count({ items: batch.writes.length, parked, superseded, durationMs, reason: cause })
  }

  #count(more: Partial<FlushResult>): void {
    const sum = this.#result
    this.#result = {
      items: sum.items + (more.items ?? 0),
      l2: sum.l2 + (more.l2 ?? 0),
      l3: sum.l3 + (more.l3 ?? 0),
      parked: sum.parked + (more.parked ?? 0),
      superseded: sum.superseded + (more.superseded ?? 0),
      groups: sum.groups + (more.groups ?? 0),
      durationMs: sum.durationMs + (more.durationMs ?? 0),
      reason: more.reason ?? sum.reason,
    }
  }
}

/** What the archive says of a write that it did not refuse. */
type Answer = Exclude<WriteOutcome, { kind: 'refused' }>

function answered(outcome: SettledOutcome | Restamped | undefined): SettledOutcome | Restamped {
  invariant(outcome !== undefined, 'each write of a batch that passed has an outcome')
  return outcome
}
