import type { EngineConfig } from '../../index.ts'
import type { Application } from '../script/application.ts'
import type { SimulatedTiers } from './tiers.ts'

/** What is tried: the engine, alone or with parts of the user's. */
export interface Subject {
  /** Tiers that take the place of the world's own. */
  readonly tiers?: SimulatedTiers | undefined
  /** Code that uses the engine; made anew for each run. */
  readonly application?: (() => Application) | undefined
  /** How the engines are configured, beside what the world decides. */
  readonly config?: Readonly<Partial<Pick<EngineConfig, FreeOption>>> | undefined
}

/** Options that change nothing of what a run is judged by. */
export type FreeOption = 'codec' | 'digests' | 'filter' | 'logger' | 'logObserver' | 'observer' | 'pending'
