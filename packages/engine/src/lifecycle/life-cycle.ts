import { InstanceFenced } from '@se/core'
import type { LogObserver } from '@se/wal'
import type { StartCall, StopCall } from '../call-options.ts'
import type { Caller } from '../deadline/caller.ts'
import { CallDeadlines } from '../deadline/deadline.ts'
import type { LifecyclePhase } from '../observer/events.ts'
import { closeAfterFailedStart } from './closing.ts'
import { rememberPosition } from './identity.ts'
import { Maintenance } from './maintenance.ts'
import { mayMove, WrongPhase } from './phase.ts'
import type { EngineParts } from './assemble.ts'
import type { EngineDependencies } from './dependencies.ts'
import { runShutdown, type StopReport } from './shutdown.ts'
import { runStartup, type StartReport } from './startup.ts'

/** The phase, and the parts that run in it. */
export class LifeCycle {
  /** Of every call of the face. */
  readonly deadlines: CallDeadlines
  readonly #environment: EngineDependencies
  readonly #logObserver: LogObserver | undefined
  #phase: LifecyclePhase = 'Created'
  #runtime: EngineParts | undefined
  #maintenance: Maintenance | undefined
  /** The start under way, and who waits for it. */
  #starting: { readonly caller: Caller; readonly ended: Promise<unknown> } | undefined
  #stopping: Promise<StopReport> | undefined
  /** Why the phase is Failed. */
  #failure: unknown

  constructor(environment: EngineDependencies, logObserver: LogObserver | undefined) {
    this.#environment = environment
    this.deadlines = new CallDeadlines(environment.clock, environment.config.callTimeoutMs)
    this.#logObserver = logObserver
  }

  get phase(): LifecyclePhase {
    return this.#phase
  }

  /** Why the phase is Failed. */
  get failure(): unknown {
    return this.#failure
  }

  get runtime(): EngineParts | undefined {
    return this.#runtime
  }

  /** @returns the parts for a call that writes. @throws WrongPhase unless Ready */
  writing(operation: string): EngineParts {
    if (this.#phase !== 'Ready') throw new WrongPhase(operation, this.#phase, this.#failure)
    return this.#runtime!
  }

  /** @returns the parts for a call that reads. @throws WrongPhase before Ready and after the stop */
  reading(operation: string): EngineParts {
    const isOpen = this.#phase === 'Ready' || this.#phase === 'Stopping' || this.#phase === 'Failed'
    if (!isOpen || this.#runtime === undefined) throw new WrongPhase(operation, this.#phase, this.#failure)
    return this.#runtime
  }

  /**
   * One that failed has closed everything again when this rejects, and may be repeated. That takes a moment longer than the
   * caller's limit where a tier hangs.
   */
  async start({ waitForMs, timeoutMs = Infinity, signal }: StartCall): Promise<StartReport> {
    // How long a replay or a scan of all ids takes is not known before: each step ends by bounds of its own.
    const { caller, dismiss } = this.deadlines.expect('start', { timeoutMs, signal })
    try {
      if (caller.goneBecause !== undefined) throw caller.goneBecause
      if (this.#runtime !== undefined) throw new WrongPhase('start', this.#phase, this.#failure)
      this.#move('Starting', 'start')
      const started = this.#start(caller, waitForMs)
      this.#starting = { caller, ended: started.catch(() => {}) }
      return await started
    } finally {
      dismiss()
    }
  }

  async #start(caller: Caller, waitForMs: number): Promise<StartReport> {
    this.#failure = undefined
    const outcome = await runStartup({
      environment: this.#environment,
      logObserver: this.#logObserver,
      onFenced: (error) => this.#onFenced(error),
      caller,
      deadlines: this.deadlines,
      waitForMs,
    })
    if ('error' in outcome) {
      const { archive, cache, observer, clock } = this.#environment
      const { log, parking, runtime } = outcome
      const opened = { archive, cache, log, parking, pipeline: runtime?.pipeline, poll: runtime?.poll }
      await closeAfterFailedStart(opened, clock, (error) =>
        observer.fault?.({ part: 'archive', what: 'closing after a failed start failed too', error }),
      )
      this.#fail(outcome.error)
      throw outcome.error
    }
    this.#runtime = outcome.runtime
    const { fileSystem, config } = this.#environment
    const { pipeline, sender, back } = outcome.runtime
    this.#maintenance = new Maintenance({
      ...this.#environment,
      ...config,
      back,
      onFenced: (error) => this.#onFenced(error),
      retireInstances: (deadBeforeMs) => pipeline.retireInstances(deadBeforeMs),
      rememberPosition: () => rememberPosition(fileSystem, config.logDirectory, sender.position),
    })
    this.#move('Ready', 'start')
    outcome.runtime.poll.start()
    this.#maintenance.start()
    return outcome.report
  }

  /** Calls that meet share one stop. A start that is under way is ended. */
  stop({ timeoutMs = this.#environment.config.stopTimeoutMs, signal }: StopCall): Promise<StopReport> {
    if (this.#stopping === undefined) {
      // Its steps share the time out among them: the last ones are not to be cut short by the end of it.
      const { caller, dismiss } = this.deadlines.expect('stop', { timeoutMs: Infinity, signal })
      this.#stopping = this.#stop(timeoutMs, caller).finally(dismiss)
    }
    return this.#stopping
  }

  async #stop(timeoutMs: number, caller: Caller): Promise<StopReport> {
    this.#starting?.caller.leave(new WrongPhase('start', 'Stopping'))
    await this.#starting?.ended
    const runtime = this.#runtime
    if (runtime === undefined) {
      if (this.#phase === 'Failed') this.#move('Stopping', 'stop')
      this.#move('Stopped', 'stop')
      return { itemsLeftInLog: 0, itemsLost: 0, filterSnapshot: undefined, durationMs: 0, problems: [] }
    }
    this.#move('Stopping', 'stop')
    runtime.queue.budget.rejectWaiting(new WrongPhase('submit', 'Stopping'))
    const isFenced = this.#failure instanceof InstanceFenced
    const report = await runShutdown(this.#environment, runtime, this.#maintenance, {
      timeoutMs,
      caller,
      isFenced,
    })
    this.#move('Stopped', 'stop')
    return report
  }

  /** Once: all that is sent afterwards is fenced too. */
  #onFenced(error: InstanceFenced): void {
    if (this.#failure instanceof InstanceFenced) return
    this.#environment.observer.fault?.({
      part: 'instance',
      what: `${error.message}; writes are refused`,
      error,
    })
    // While starting, the start itself fails with this error.
    if (this.#phase === 'Ready') this.#fail(error)
    this.#runtime?.queue.abandon(error)
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
}
