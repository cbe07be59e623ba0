import { InstanceFenced } from '@se/core'
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
  type GetSyncOptions,
  type StartOptions,
  type StopOptions,
  type SubmitOptions,
  type VerifyOptions,
} from './call-options.ts'
import { explain, type Explanation } from './explain.ts'
import type { ParkedItem } from './flush/parked-line.ts'
import type { FlushResult } from './flush/pipeline.ts'
import { within } from './guard/within.ts'
import type { Item } from './item.ts'
import { rememberPosition } from './lifecycle/identity.ts'
import { Maintenance } from './lifecycle/maintenance.ts'
import { mayMove, WrongPhase } from './lifecycle/phase.ts'
import type { Environment, Runtime } from './lifecycle/runtime.ts'
import { CLOSE_WAIT_MS, runShutdown, type StopReport } from './lifecycle/shutdown.ts'
import { runStartup, type StartReport } from './lifecycle/startup.ts'
import type { LifecyclePhase } from './observer.ts'
import type { FastAnswer } from './read/read-path.ts'
import { readGauges, readRoots, readStatus, type EngineStatus, type Roots } from './status.ts'
import { verify, type VerifyReport } from './verify.ts'
import type { WriteReceipt } from './write/write-path.ts'

/**
 * The engine: gates every call on the life-cycle phase and hands it to the part that owns the state. It has none
 * of its own but the phase.
 */
export class Engine implements AsyncDisposable {
  readonly #environment: Environment
  readonly #logObserver: LogObserver | undefined
  #phase: LifecyclePhase = 'Created'
  #runtime: Runtime | undefined
  #maintenance: Maintenance | undefined
  #starting: Promise<StartReport> | undefined
  #stopping: Promise<StopReport> | undefined
  /** Why the phase is Failed. */
  #failure: unknown

  /** @internal use `createEngine` */
  constructor(environment: Environment, logObserver: LogObserver | undefined) {
    this.#environment = environment
    this.#logObserver = logObserver
    environment.observer.gauges?.(() => readGauges(environment, this.#runtime))
  }

  get phase(): LifecyclePhase {
    return this.#phase
  }

  /**
   * Opens log and archive, replays what was acknowledged, and brings every view to a proven state.
   *
   * @throws whatever kept it from starting; everything that was opened is closed again, and the engine is Failed
   */
  async start(options?: StartOptions): Promise<StartReport> {
    readStartOptions(options)
    this.#move('Starting', 'start')
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<StartReport> {
    const outcome = await runStartup(this.#environment, this.#logObserver, (error) => this.#onFenced(error))
    if ('error' in outcome) {
      this.#fail(outcome.error)
      await this.#closeAfterFailedStart(outcome)
      throw outcome.error
    }
    this.#runtime = outcome.runtime
    const { fileSystem, config } = this.#environment
    const { pipeline } = outcome.runtime
    this.#maintenance = new Maintenance({
      ...this.#environment,
      ...config,
      rememberPosition: () => rememberPosition(fileSystem, config.logDirectory, pipeline.position),
    })
    this.#move('Ready', 'start')
    outcome.runtime.poll.start()
    this.#maintenance.start()
    return outcome.report
  }

  /**
   * Stores a value under an id. Resolves when it is as safe as `level` says.
   *
   * @param value a `Uint8Array` is stored as it is, anything else as its JSON text
   * @throws InvalidInput (nothing happened), Backpressure or LogFull (nothing happened, try later), LogFailed
   *   (unknown; from now on only writes at level `archive` are taken), WrongPhase
   */
  async submit(id: string, value: unknown, options?: SubmitOptions): Promise<WriteReceipt> {
    return this.#writing('submit').writes.submit(id, value, readSubmitOptions(options))
  }

  /** Removes an id. A delete is a write with a stamp: it wins or loses like one. Throws as {@link submit}. */
  async delete(id: string, options?: DeleteOptions): Promise<WriteReceipt> {
    return this.#writing('delete').writes.delete(id, readDeleteOptions(options))
  }

  /**
   * The item, or `undefined` when there is none for sure.
   *
   * @throws TierUnavailable when it cannot know [R1]
   */
  async get(id: string, options?: GetOptions): Promise<Item | undefined> {
    return this.#reading('get').reads.get(id, readGetOptions(options))
  }

  /**
   * Many ids with at most one round trip per tier, in the order of the ids.
   *
   * @throws TierUnavailable when one of them could not be answered [R1]
   */
  async getMany(ids: readonly string[], options?: GetManyOptions): Promise<readonly (Item | undefined)[]> {
    readGetManyOptions(options)
    return this.#reading('getMany').reads.getMany(ids)
  }

  /** From memory and pending writes alone: `undefined` means "not here", not "absent". */
  getSync(id: string, options?: GetSyncOptions): Item | undefined {
    readGetSyncOptions(options)
    return this.#reading('getSync').reads.getSync(id)
  }

  /** Asks down to L3. @throws TierUnavailable when it cannot know [R1] */
  async contains(id: string, options?: BoundOptions): Promise<boolean> {
    readBoundOptions(options)
    return this.#reading('contains').reads.contains(id)
  }

  /** From memory, pending writes and the trusted filter, without any I/O. */
  containsFast(id: string): FastAnswer {
    return this.#reading('containsFast').reads.containsFast(id)
  }

  /** Where an id is, tier by tier. */
  async explain(id: string, options?: BoundOptions): Promise<Explanation> {
    readBoundOptions(options)
    const runtime = this.#reading('explain')
    return explain(this.#environment, runtime, id)
  }

  /**
   * Moves everything accepted before the call to L3 and L2, and brings all views to the heads.
   *
   * @returns what was moved since the last call, in the background too
   * @throws TierUnavailable when the archive does not take it; the items stay pending
   */
  async flush(options?: BoundOptions): Promise<FlushResult> {
    readBoundOptions(options)
    const { pipeline, poll } = this.#writing('flush')
    await pipeline.flush()
    await pipeline.cacheSettled()
    await poll.now()
    return pipeline.takeResult()
  }

  /** Writes the archive refused, kept in the local file [W6]; readers get the archive's value meanwhile. */
  parked(): readonly ParkedItem[] {
    return this.#reading('parked').parking.list()
  }

  /**
   * Sends the parked writes of an id to the archive again, with their stamps; what is refused again is parked again.
   *
   * @returns how many were sent; 0: none is parked
   */
  async retryParked(id: string, options?: BoundOptions): Promise<number> {
    readBoundOptions(options)
    const { parking, writes } = this.#writing('retryParked')
    return parking.retry(id, (write) => writes.resubmit(write))
  }

  /** Gives the parked writes of an id up for good. @returns how many there were */
  async dropParked(id: string, options?: BoundOptions): Promise<number> {
    readBoundOptions(options)
    return this.#writing('dropParked').parking.drop(id)
  }

  /**
   * Compares every copy with the archive; see {@link VerifyOptions}. A cache that does not answer is a finding.
   *
   * @throws TierUnavailable when the archive does not answer
   */
  async verify(options?: VerifyOptions): Promise<VerifyReport> {
    const call = readVerifyOptions(options)
    const { archive, cache, observer, config, clock } = this.#environment
    const { cacheView, views, filter, memory, description, poll } = this.#reading('verify')
    const digester = createRowDigester(description.digestKey)
    // Stripes that are merely behind are no finding.
    await poll.now()
    return verify(
      {
        archive,
        cache,
        cacheView,
        views,
        filter,
        memory,
        poll,
        branches: config.branches,
        digester,
        observer,
        clock,
      },
      call,
    )
  }

  /** Brings all views to the heads and compares the roots of archive and cache. */
  async roots(options?: BoundOptions): Promise<Roots> {
    readBoundOptions(options)
    return readRoots(this.#reading('roots'))
  }

  /** Phase, trust and figures of this moment; no I/O. */
  status(): EngineStatus {
    return readStatus(this.#environment, this.#runtime, this.#phase, this.#failure)
  }

  /**
   * Refuses writes, flushes everything, saves the filter, closes everything. Also after a failure: what cannot be
   * flushed stays in the log for the next start. A start that is under way is waited for. Calls that meet share one stop.
   */
  async stop(options?: StopOptions): Promise<StopReport> {
    readStopOptions(options)
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<StopReport> {
    // A start under way ends in Ready, or in Failed and then still has to close what it had opened.
    if (this.#phase === 'Starting' || this.#phase === 'Failed') await this.#starting?.catch(() => {})
    const runtime = this.#runtime
    const isFenced = this.#failure instanceof InstanceFenced
    if (runtime === undefined) {
      if (this.#phase === 'Failed') this.#move('Stopping', 'stop')
      this.#move('Stopped', 'stop')
      return { itemsLeftInLog: 0, filterSnapshot: undefined, durationMs: 0, problems: [] }
    }
    this.#move('Stopping', 'stop')
    runtime.pending.rejectWaiting(new WrongPhase('submit', 'Stopping'))
    const report = await runShutdown(this.#environment, runtime, this.#maintenance, isFenced)
    this.#move('Stopped', 'stop')
    return report
  }

  async #closeAfterFailedStart(failed: {
    log: { close(): Promise<void> } | undefined
    parking: { close(): Promise<void> } | undefined
    runtime: Runtime | undefined
  }) {
    const { archive, cache, observer, clock } = this.#environment
    const closings = [
      () => failed.runtime?.pipeline.stop(),
      () => failed.runtime?.poll.stop(),
      () => failed.parking?.close(),
      // A tier that did not answer may hang at its close too.
      () => cache && within(clock, CLOSE_WAIT_MS, 'closing the cache', () => cache.close()),
      () => within(clock, CLOSE_WAIT_MS, 'closing the archive', () => archive.close()),
      () => failed.log?.close(),
    ]
    for (const close of closings) {
      try {
        await close()
      } catch (error) {
        observer.fault?.({ part: 'archive', what: 'closing after a failed start failed too', error })
      }
    }
  }

  #onFenced(error: InstanceFenced): void {
    this.#environment.observer.fault?.({
      part: 'instance',
      what: 'another process has taken this instance over; writes are refused',
      error,
    })
    // While starting, the start itself fails with this error.
    if (this.#phase === 'Ready') this.#fail(error)
    this.#runtime?.pending.abandon(error)
  }

  #fail(error: unknown): void {
    this.#failure = error
    this.#move('Failed', 'run')
  }

  #move(to: LifecyclePhase, operation: string): void {
    const from = this.#phase
    if (!mayMove(from, to)) throw new WrongPhase(operation, from, this.#failure)
    this.#phase = to
    this.#environment.observer.phaseChanged?.({ from, to })
  }

  #writing(operation: string): Runtime {
    if (this.#phase !== 'Ready') throw new WrongPhase(operation, this.#phase, this.#failure)
    return this.#runtime!
  }

  #reading(operation: string): Runtime {
    const isOpen = this.#phase === 'Ready' || this.#phase === 'Stopping' || this.#phase === 'Failed'
    if (!isOpen || this.#runtime === undefined) throw new WrongPhase(operation, this.#phase, this.#failure)
    return this.#runtime
  }
}
