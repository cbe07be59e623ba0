import { InvalidInput, nestedField, otherField, refuseInput, readFields, type FieldTable } from '@se/core'
import type { EngineConfig } from '../../index.ts'
import { APPLICATION, isApplication, type Application } from '../script/application.ts'
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

function anything(meaning: string) {
  return otherField<unknown>({ what: 'anything', accepts: () => true, meaning })
}

function made<T>(meaning: string) {
  return otherField<T>({ what: 'a function', accepts: (given) => typeof given === 'function', meaning })
}

export const SUBJECT_FIELDS = {
  tiers: nestedField(
    {
      archive: made<SimulatedTiers['archive']>('Makes the archive.'),
      cache: made<SimulatedTiers['cache']>('Makes a cache.'),
    },
    'In the place of the world’s own.',
  ),
  application: made<() => Application>('Makes it for a run.'),
  config: nestedField(
    {
      codec: anything('As of the engine.'),
      digests: anything('As of the engine.'),
      filter: anything('As of the engine.'),
      logger: anything('As of the engine.'),
      logObserver: anything('As of the engine.'),
      observer: anything('As of the engine.'),
      pending: anything('As of the engine.'),
    } satisfies { readonly [Name in FreeOption]: unknown },
    'The engine checks the values.',
  ),
} satisfies FieldTable

/** @throws InvalidInput for what nobody would use: with a typing error the world's own would be tried without a word [P77] */
export function checkSubject(given: Subject): void {
  readFields('', given, SUBJECT_FIELDS, refuseInput)
}

/**
 * The application of a run, where there is one to try.
 *
 * @throws InvalidInput for anything else than an application, also where a function forgets to return it: a run without it holds
 */
export function makeApplication({ application }: Subject): Application | undefined {
  if (application === undefined) return undefined
  const made: unknown = application()
  if (!isApplication(made)) throw new InvalidInput('application', `must be ${APPLICATION}`)
  return made
}
