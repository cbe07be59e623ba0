import type { Consistency, Level } from '../../index.ts'
import { objectAt } from './object-at.ts'

/**
 * What a script does, as data: the same list does the same again, and a shorter one can be tried. `process` and `cache` are
 * numbers from 0; an action on a process that is down or frozen does nothing, and the story says so. `action-fields.ts` has the
 * range of each field.
 */
export type Action =
  // Clients. Nobody awaits anything: what is asked next overlaps with it.
  | {
      readonly do: 'write'
      readonly process: number
      readonly id: string
      /** `undefined`: a delete. */
      readonly value: number | undefined
      readonly level: Level
      readonly isLarge: boolean
    }
  | { readonly do: 'read'; readonly process: number; readonly id: string; readonly consistency: Consistency }
  | { readonly do: 'read-many'; readonly process: number; readonly ids: readonly string[] }
  | { readonly do: 'read-everything'; readonly process: number; readonly consistency: Consistency }
  | { readonly do: 'flush'; readonly process: number }
  | { readonly do: 'retry-parked'; readonly process: number; readonly widen: boolean }
  | { readonly do: 'verify'; readonly process: number; readonly repair: boolean }
  /** An action of the application under test; `input` is JSON. */
  | { readonly do: 'call'; readonly process: number; readonly name: string; readonly input: unknown }
  // Time.
  | { readonly do: 'pass'; readonly ms: number }
  /** Turns of the event loop, in which no time passes. */
  | { readonly do: 'turns'; readonly count: number }
  /** Everything answers again, everybody runs, the clocks are right. */
  | { readonly do: 'calm' }
  // Processes.
  | { readonly do: 'freeze'; readonly process: number }
  | { readonly do: 'thaw'; readonly process: number; readonly timersFirst: boolean }
  /** `power`: the power is cut, and this seed says what is left of the disk; `undefined`: the process is killed. */
  | { readonly do: 'kill'; readonly process: number; readonly power: number | undefined }
  | { readonly do: 'start'; readonly process: number }
  | { readonly do: 'restart'; readonly process: number }
  | { readonly do: 'fail-disk'; readonly process: number }
  /** The wall clock of a process is set beside the world's. */
  | { readonly do: 'set-clock'; readonly process: number; readonly skewMs: number }
  // The archive.
  | { readonly do: 'reach'; readonly process: number; readonly isReachable: boolean }
  /** The next commits of a process fail, or their answers are lost. */
  | {
      readonly do: 'fail-commit'
      readonly process: number
      readonly when: 'before' | 'after-commit'
      readonly count: number
    }
  /** The ledger is pruned, and tombstones are collected, that are older. */
  | { readonly do: 'collect'; readonly ageMs: number }
  | { readonly do: 'back-up' }
  /** To the `back`th newest backup. */
  | { readonly do: 'restore'; readonly back: number }
  | { readonly do: 'set-archive-clock'; readonly skewMs: number }
  // Caches.
  | { readonly do: 'cache-answers'; readonly cache: number; readonly isAvailable: boolean }
  | { readonly do: 'evict'; readonly cache: number; readonly id: string }
  | { readonly do: 'drop-meta'; readonly cache: number; readonly id: string }
  | { readonly do: 'empty'; readonly cache: number }
  | { readonly do: 'dump'; readonly cache: number }
  /** Back to the newest dump; `isSeen`: every connection to it is lost meanwhile. */
  | { readonly do: 'set-back'; readonly cache: number; readonly isSeen: boolean }
  /** The next puts of a process are `forgotten` (answered, not done) or `unanswered` (done). */
  | {
      readonly do: 'lose-puts'
      readonly process: number
      readonly count: number
      readonly how: 'forgotten' | 'unanswered'
    }
  /** The stamp of an entry is another one. */
  | { readonly do: 'flip-stamp'; readonly cache: number; readonly id: string; readonly bit: number }

/** What needs a process that runs, or kills it. */
export type ProcessAction = Exclude<
  Extract<Action, { readonly process: number }>,
  { readonly do: 'start' | 'thaw' | 'set-clock' }
>

/** The action of a name. */
export type ActionOf<Name extends Action['do']> = Extract<Action, { readonly do: Name }>

/** One line, for people: `evict cache=0 id="user.0"`. @throws InvalidInput for what is no object */
export function describeAction(action: Action): string {
  return Object.entries(objectAt('action', action))
    .map(([name, value]) => (name === 'do' ? String(value) : `${name}=${JSON.stringify(value) ?? 'none'}`))
    .join(' ')
}
