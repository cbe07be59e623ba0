import { createRowDigester } from '@se/merkle'
import type { LogObserver } from '@se/wal'
import {
  readBoundOptions,
  readDeleteOptions,
  readGetManyOptions,
  readGetOptions,
  readGetSyncOptions,
  readStartOptions,
  readStopOptions,
  readSubmitOptions,
  readVerifyOptions,
  type BoundOptions,
  type DeleteOptions,
  type GetManyOptions,
  type GetOptions,
  type GetSyncCall,
  type GetSyncOptions,
  type StartOptions,
  type StopOptions,
  type SubmitOptions,
  type VerifyOptions,
} from './call-options.ts'
import type { Caller } from './deadline/caller.ts'
import type { Limits, Operation } from './deadline/deadline.ts'
import { explain, type Explanation } from './inspect/explain.ts'
import type { ParkedItem } from './flush/parked-line.ts'
import type { FlushResult } from './flush/flush-tally.ts'
import { Item } from './item.ts'
import type { KeptItem } from './kept-item.ts'
import { LifeCycle } from './lifecycle/life-cycle.ts'
import type { EngineDependencies } from './lifecycle/dependencies.ts'
import type { StopReport } from './lifecycle/shutdown.ts'
import type { StartReport } from './lifecycle/startup.ts'
import type { LifecyclePhase } from './observer/events.ts'
import type { ReadSource } from './read/answer.ts'
import type { FastAnswer } from './read/read-path.ts'
import { readRoots, type Roots } from './inspect/roots.ts'
import { gaugesOf } from './inspect/gauges.ts'
import { statusOf, type EngineStatus } from './inspect/status.ts'
import { verify, type VerifyReport } from './inspect/verify/verify.ts'
import type { Acknowledgement } from './write/write-path.ts'

/** What an engine offers, for others to offer it too: a client of a server, a double in a test. */
export type EngineFace = { readonly [Member in keyof Engine]: Engine[Member] }

/** An answer with its worth [R8]. */
export interface ReadResult {
  /** `undefined`: there is none for sure. */
  readonly item: Item | undefined
  /** Which part gave the answer; `filter`: the trusted filter said that there is no such id. */
  readonly from: ReadSource
  /** It may be older than Δ: an own pending write, while the archive could not be asked whether there is something newer. */
  readonly isStale: boolean
  /** A write of the id is set aside, as the archive refused it: the answer is what the archive has without it [W6]. */
  readonly isParked: boolean
}

/**
 * The engine: gates every call on the life-cycle phase, gives it a deadline, and hands it to the part that owns the state. It has
 * none of its own.
 *
 * Every call that waits ends: with its answer, after `timeoutMs` with `DeadlineExceeded`, or when its `signal` is aborted with
 * `CallAborted`; until then it keeps the process alive [W10]. What a call that was left had asked for may happen all the same.
 */
export class Engine implements AsyncDisposable {
  readonly #environment: EngineDependencies
  readonly #life: LifeCycle

  /** @internal use `createEngine` */
  constructor(environment: EngineDependencies, logObserver: LogObserver | undefined) {
    this.#environment = environment
    this.#life = new LifeCycle(environment, logObserver)
    environment.observer.gauges?.(() => gaugesOf(environment, this.#life.runtime))
  }

  get phase(): LifecyclePhase {
    return this.#life.phase
  }

  /**
   * Opens log and archive, replays what was acknowledged, and brings every view to a proven state.
   *
   * @throws what kept it from starting; everything that was opened is closed again, and it may be started again
   */
  async start(options?: StartOptions): Promise<StartReport> {
    return this.#life.start(readStartOptions(options))
  }

  /**
   * Stores a value under an id. Resolves when it is as safe as `level` says.
   *
   * @param value a `Uint8Array` is stored as it is, anything else as its JSON text
   * @throws InvalidInput (nothing happened), Backpressure or LogFull (nothing happened, try later), LogFailed
   *   (unknown; from now on only writes at level `archive` are taken), WrongPhase
   */
  async submit(id: string, value: unknown, options?: SubmitOptions): Promise<Acknowledgement> {
    const call = readSubmitOptions(options)
    const { writes } = this.#life.writing('submit')
    return this.#bounded('submit', call, (caller) => writes.submit(id, value, call, caller))
  }

  /** Removes an id. A delete is a write with a stamp: it wins or loses like one. Throws as {@link submit}. */
  async delete(id: string, options?: DeleteOptions): Promise<Acknowledgement> {
    const call = readDeleteOptions(options)
    const { writes } = this.#life.writing('delete')
    return this.#bounded('delete', call, (caller) => writes.delete(id, call, caller))
  }

  /**
   * The item, or `undefined` when there is none for sure.
   *
   * @throws TierUnavailable when it cannot know [R1]
   */
  async get(id: string, options?: GetOptions): Promise<Item | undefined> {
    const call = readGetOptions(options)
    return this.#itemFor(call, await this.#life.reading('get').reads.get(id, call))
  }

  /**
   * As {@link get}, with which part gave the answer, and what it is worth.
   *
   * @throws TierUnavailable when it cannot know [R1]
   */
  async read(id: string, options?: GetOptions): Promise<ReadResult> {
    const call = readGetOptions(options)
    const { reads, parking } = this.#life.reading('read')
    const { item, from, isStale } = await reads.read(id, call)
    return { item: this.#itemFor(call, item), from, isStale, isParked: parking.get(id) !== undefined }
  }

  /**
   * Many ids with at most one round trip per tier, in the order of the ids.
   *
   * @throws TierUnavailable when one of them could not be answered [R1]
   */
  async getMany(ids: readonly string[], options?: GetManyOptions): Promise<readonly (Item | undefined)[]> {
    const call = readGetManyOptions(options)
    const found = await this.#life.reading('getMany').reads.getMany(ids, call)
    return found.map((kept) => this.#itemFor(call, kept))
  }

  /** From memory and pending writes alone, while the archive was heard within Δ: `undefined` means "not here", not "absent" [R5]. */
  getSync(id: string, options?: GetSyncOptions): Item | undefined {
    return this.#itemFor(readGetSyncOptions(options), this.#life.reading('getSync').reads.getSync(id))
  }

  /** Asks down to L3. @throws TierUnavailable when it cannot know [R1] */
  async contains(id: string, options?: BoundOptions): Promise<boolean> {
    return this.#life.reading('contains').reads.contains(id, readBoundOptions(options))
  }

  /** From memory, pending writes and the trusted filter, without any I/O. */
  containsFast(id: string): FastAnswer {
    return this.#life.reading('containsFast').reads.containsFast(id)
  }

  /** Where an id is, tier by tier. */
  async explain(id: string, options?: BoundOptions): Promise<Explanation> {
    const call = readBoundOptions(options)
    const runtime = this.#life.reading('explain')
    return this.#bounded('explain', call, () => explain(this.#environment, runtime, id))
  }

  /**
   * Moves everything accepted before the call to L3 and L2, and brings all views to the heads.
   *
   * @returns what was moved since the last call, in the background too
   * @throws TierUnavailable when the archive does not take it; the items stay pending
   */
  async flush(options?: BoundOptions): Promise<FlushResult> {
    const call = readBoundOptions(options)
    const { pipeline, back, tally, poll } = this.#life.writing('flush')
    return this.#bounded('flush', call, async (caller) => {
      await pipeline.flush(caller)
      await back.ask('cache-settled', {})
      await poll.now()
      return tally.take()
    })
  }

  /** Writes the archive refused, kept in the local file [W6]; readers get the archive's value meanwhile. */
  parked(): readonly ParkedItem[] {
    return this.#life.reading('parked').parking.list()
  }

  /**
   * Sends the parked writes of an id to the archive again, with their stamps; what is refused again is parked again.
   *
   * @returns how many were sent; 0: none is parked
   */
  async retryParked(id: string, options?: BoundOptions): Promise<number> {
    const call = readBoundOptions(options)
    const { parking, writes } = this.#life.writing('retryParked')
    return this.#bounded('retryParked', call, () => parking.retry(id, (write) => writes.submitParked(write)))
  }

  /** Gives the parked writes of an id up for good. @returns how many there were */
  async dropParked(id: string, options?: BoundOptions): Promise<number> {
    const call = readBoundOptions(options)
    const { parking } = this.#life.writing('dropParked')
    return this.#bounded('dropParked', call, () => parking.drop(id))
  }

  /**
   * Compares every copy with the archive; see {@link VerifyOptions}. A cache that does not answer is a finding. How long a scan
   * takes is not known before: without a `timeoutMs` of its own it ends by the bounds of what it asks.
   *
   * @throws TierUnavailable when the archive does not answer
   */
  async verify(options?: VerifyOptions): Promise<VerifyReport> {
    const call = readVerifyOptions(options)
    const { archive, observer, clock } = this.#environment
    const { back, followed, filter, memory, description, poll } = this.#life.reading('verify')
    const ports = {
      back,
      archive,
      followed,
      filter,
      memory,
      poll,
      digester: createRowDigester(description.digestKey),
      telemetry: { observer, clock },
    }
    const { timeoutMs = Infinity, signal } = call
    return this.#bounded('verify', { timeoutMs, signal }, async () => {
      // Stripes that are merely behind are no finding.
      await poll.now()
      return verify(ports, call)
    })
  }

  /** Brings all views to the heads and compares the roots of archive and cache. */
  async roots(options?: BoundOptions): Promise<Roots> {
    const call = readBoundOptions(options)
    const runtime = this.#life.reading('roots')
    return this.#bounded('roots', call, () => readRoots(runtime))
  }

  /** Phase, trust and figures of this moment; no I/O. */
  status(): EngineStatus {
    const { runtime, phase, failure } = this.#life
    return statusOf(this.#environment, runtime, phase, failure)
  }

  /**
   * Refuses writes, flushes everything, saves the filter, closes everything. Also after a failure: what cannot be
   * flushed stays in the log for the next start. A start that is under way is ended. Calls that meet share one stop.
   *
   * It ends after `timeoutMs`, also where something hangs, says in its report what it could not do, and leaves nothing that keeps the process
   * alive. It does not throw for what a tier does not do. Aborting its `signal` ends the waiting.
   */
  async stop(options?: StopOptions): Promise<StopReport> {
    return this.#life.stop(readStopOptions(options))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Each reader gets an item of its own, so that what one does to it reaches no other [W11]. */
  #itemFor(call: GetSyncCall, kept: KeptItem | undefined): Item | undefined {
    return kept === undefined ? undefined : new Item(kept, call.bytes, this.#environment.config.codec)
  }

  #bounded<T>(operation: Operation, limits: Limits, run: (caller: Caller) => Promise<T>): Promise<T> {
    return this.#life.deadlines.bound(operation, limits, run)
  }
}
