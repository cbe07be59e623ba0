import type { InstanceFenced } from '@se/core'
import type { LogObserver } from '@se/wal'
import type { Caller } from '../deadline/caller.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import type { StartStepName } from '../observer/events.ts'
import type { EngineDependencies } from './dependencies.ts'

/** What a start is told. */
export interface Start {
  readonly environment: EngineDependencies
  readonly logObserver: LogObserver | undefined
  readonly onFenced: (error: InstanceFenced) => void
  readonly caller: Caller
  readonly deadlines: CallDeadlines
  readonly waitForMs: number
}

/** What a step has made for those after it, and what it found; without figures it is not reported, as there was nothing to do. */
export interface Done<Made> {
  readonly made: Made
  readonly figures?: Readonly<Record<string, unknown>>
}

export interface StartStep<Needed, Made> {
  readonly name: StartStepName
  /** Why it stands where it stands. */
  readonly reason: string
  /** The engine starts without it and takes it in later. */
  readonly isOptional?: boolean
  /** It is left out where a step before it could not be done. */
  readonly needsAllBefore?: boolean
  /** It is not left half-way, as only it can close what it opens. */
  readonly isBrief?: boolean
  run(start: Start, needed: Needed): Promise<Done<Made>>
}
