/** The types of `@se/engine/testing`, as a user sees them. Checked by the compiler; nothing here runs. */
import type { ArchiveTier, CacheTier, Clock } from '@se/core'
import type { SeededRandom } from '@se/core/testing'
import { expectTypeOf } from 'vitest'
import type { EngineFace } from '../src/index.ts'
import {
  RULES,
  type Action,
  type ActionOf,
  type Anomaly,
  type Application,
  type ArchiveServer,
  type CacheServer,
  type decodeScript,
  type encodeScript,
  type memoryArchiveServer,
  type memoryCacheServer,
  type Rule,
  type run,
  type Script,
  type shrink,
  type simulate,
  type SimulationFailed,
  type SimulationOutcome,
  type StoryLine,
  type Subject,
  type Switch,
  type writeScript,
} from '../src/testing/index.ts'

declare const action: Action
declare const script: Script
declare const archive: ArchiveTier
declare const cache: CacheTier

// Actions are plain data: what an action says follows from what it does.
if (action.do === 'kill') expectTypeOf(action.power).toEqualTypeOf<number | undefined>()
// @ts-expect-error not every action is of a process
void action.process
expectTypeOf<ActionOf<'evict'>>().toEqualTypeOf<{
  readonly do: 'evict'
  readonly cache: number
  readonly id: string
}>()
// @ts-expect-error a script is changed by making another one
script.actions.push(action)

// A script is written, made text and read again, run, and made shorter.
expectTypeOf<typeof writeScript>().returns.toEqualTypeOf<Script>()
expectTypeOf<typeof encodeScript>().toEqualTypeOf<(script: Script) => string>()
expectTypeOf<typeof decodeScript>().toEqualTypeOf<(text: string) => Script>()
expectTypeOf<Parameters<typeof run>[0]>().toEqualTypeOf<Script>()
expectTypeOf<Parameters<typeof run>[1]>().toEqualTypeOf<Subject | undefined>()
expectTypeOf<typeof run>().returns.resolves.toEqualTypeOf<SimulationOutcome>()
expectTypeOf<typeof simulate>().returns.resolves.toEqualTypeOf<SimulationOutcome>()
expectTypeOf<typeof shrink>().returns.resolves.toEqualTypeOf<Script>()
expectTypeOf<SimulationOutcome['story']>().toEqualTypeOf<readonly StoryLine[]>()
expectTypeOf<Parameters<typeof simulate>[0]['switches']>().toEqualTypeOf<readonly Switch[] | undefined>()
// @ts-expect-error there is no such kind of fault
void ({ seed: 1, steps: 1, switches: ['floods'] } satisfies Parameters<typeof simulate>[0])

// What breaks has a rule: one of ours, or what an application threw.
expectTypeOf<Anomaly['rule']>().toEqualTypeOf<Rule>()
expectTypeOf<SimulationFailed['rule']>().toEqualTypeOf<string>()
expectTypeOf<keyof typeof RULES>().toEqualTypeOf<Rule>()

// Ours can be built upon, and a tier of one's own needs no power that is optional.
expectTypeOf<typeof memoryArchiveServer>().returns.toEqualTypeOf<ArchiveServer>()
expectTypeOf<typeof memoryCacheServer>().returns.toEqualTypeOf<CacheServer>()
void ({
  tiers: {
    archive: ({ clock, isExclusive }) => {
      expectTypeOf(clock).toEqualTypeOf<Clock>()
      expectTypeOf(isExclusive).toEqualTypeOf<boolean>()
      return { connect: () => archive }
    },
    cache: () => ({ connect: () => cache, setAvailable: () => {} }),
  },
} satisfies Subject)
// @ts-expect-error a cache must be able to be away
void ({ tiers: { cache: () => ({ connect: () => cache }) } } satisfies Subject)

// An application says what its actions are given; what the world decides is not its to configure.
void ({
  actions: {
    pay: {
      weight: 1,
      draw: (random) => {
        expectTypeOf(random).toEqualTypeOf<SeededRandom>()
        return { amount: 1 }
      },
      run: async (engine, { amount }: { amount: number }, { process }) => {
        expectTypeOf(engine).toEqualTypeOf<EngineFace>()
        expectTypeOf(process).toEqualTypeOf<number>()
        await engine.submit('a', amount)
      },
    },
  },
  check: async (engines) => {
    expectTypeOf(engines).toEqualTypeOf<readonly EngineFace[]>()
  },
} satisfies Application)
// @ts-expect-error Δ belongs to what a run is judged by
void ({ config: { stalenessMs: 50 } } satisfies Subject)
