/**
 * Goal: what users get by `@se/engine/testing` finds what is wrong, says it again, and lets nothing pass for being simulated.
 * Method: defects are planted in the engine, in tiers and in applications; runs over many seeds must find them, and hold without them.
 */
import { readFile } from 'node:fs/promises'
import type { ArchiveTier, CacheTier } from '@se/core'
import { without } from '@se/core/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryTier } from '../src/memory/memory-tier.ts'
import * as testing from '../src/testing/index.ts'
import {
  decodeScript,
  encodeScript,
  memoryArchiveServer,
  memoryCacheServer,
  RULES,
  run,
  shrink,
  simulate,
  SimulationFailed,
  SWITCHES,
  tellStory,
  writeScript,
  type Application,
  type ArchiveServer,
  type CacheServer,
  type Script,
  type Subject,
} from '../src/testing/index.ts'

const STEPS = 100

/** The first run that breaks a promise. */
async function firstFailure(subject: Subject, seeds = 60): Promise<SimulationFailed> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await simulate({ seed, steps: STEPS, ...subject })
    } catch (error) {
      if (error instanceof SimulationFailed) return error
      throw error
    }
  }
  throw new Error(`${seeds} seeds have found nothing`)
}

async function failureOf(script: Script, subject: Subject = {}): Promise<SimulationFailed> {
  const error = await run(script, subject).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SimulationFailed)
  return error as SimulationFailed
}

/** The same tier with some calls of its own. */
function override<T extends object>(tier: T, calls: Partial<T>): T {
  return new Proxy(tier, {
    get(target, name) {
      if (name in calls) return calls[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function archives(change: (tier: ArchiveTier) => ArchiveTier): Subject {
  return {
    tiers: {
      archive: (settings) => {
        const ours = memoryArchiveServer(settings)
        return { ...ours, connect: () => change(ours.connect()) } satisfies ArchiveServer
      },
    },
  }
}

function caches(change: (tier: CacheTier) => CacheTier): Subject {
  return {
    tiers: {
      cache: (settings) => {
        const ours = memoryCacheServer(settings)
        return { ...ours, connect: () => change(ours.connect()) } satisfies CacheServer
      },
    },
  }
}

describe('a defect of the engine', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('is found, made as short as it gets, kept as text, and found again there by the same rule [R2]', async () => {
    // Memory keeps what it should forget.
    vi.spyOn(MemoryTier.prototype, 'dropOlder').mockReturnValue(false)
    const found = await firstFailure({})
    expect(RULES).toHaveProperty(found.rule)
    expect(found.message).toContain(`seed ${found.script.seed}`)
    expect(found.message).toContain(tellStory(found.story.slice(-3)))
    expect(found.story.at(-1)!.text).toBe(`!! ${String(found.cause)}`)

    const tries: number[] = []
    const shortest = await shrink(found.script, found.rule, {}, (count) => void tries.push(count))
    expect(shortest.actions.length).toBeLessThan(found.script.actions.length / 4)
    expect(tries).toEqual(tries.map((_, index) => index + 1))
    const again = await failureOf(decodeScript(encodeScript(shortest)))
    expect(again.rule).toBe(found.rule)
    expect(again.story).toEqual((await failureOf(shortest)).story)
    // Every action that is left is needed.
    for (const index of shortest.actions.keys()) {
      const outcome = run({ ...shortest, actions: shortest.actions.toSpliced(index, 1) })
      await outcome.catch((error: unknown) => expect((error as SimulationFailed).rule).not.toBe(found.rule))
    }

    vi.restoreAllMocks()
    await run(shortest)
  }, 120_000)

  it('is found by a script that was written by hand [R2]', async () => {
    vi.spyOn(MemoryTier.prototype, 'dropOlder').mockReturnValue(false)
    const { variant } = writeScript({ seed: 1, steps: 1, switches: [] })
    const of = { process: 0, id: 'user.0', isLarge: false } as const
    const script: Script = {
      seed: 1,
      switches: [],
      variant: { ...variant, processes: 1, caches: [undefined] },
      actions: [
        { do: 'write', ...of, value: 1, level: 'archive' },
        { do: 'pass', ms: 200 },
        { do: 'write', ...of, value: undefined, level: 'archive' },
        { do: 'pass', ms: 200 },
        { do: 'read', process: 0, id: 'user.0', consistency: 'local' },
      ],
    }
    expect((await failureOf(script)).rule).toBe('own')
    vi.restoreAllMocks()
    await run(script)
  })
})

describe('tiers of a user', () => {
  it('hold where they keep their contract: the world’s own in a wrapper, with I/O of their own', async () => {
    const subject: Subject = {
      tiers: {
        archive: (settings) => {
          const ours = memoryArchiveServer(settings)
          const connect = (): ArchiveTier => {
            const tier = ours.connect()
            // Time of the world stands still for the time that this takes.
            return override(tier, {
              putBatch: async (batch) => (await readFile(import.meta.filename), tier.putBatch(batch)),
              readTail: async (from) => (await readFile(import.meta.filename), tier.readTail(from)),
            })
          }
          return { connect }
        },
        cache: (settings) => {
          const { connect, setAvailable } = memoryCacheServer(settings)
          return { connect, setAvailable }
        },
      },
    }
    for (let seed = 1; seed <= 10; seed++) await simulate({ seed, steps: STEPS, ...subject })
  }, 60_000)

  it('need no power that is optional', async () => {
    const subject = archives((tier) => without(tier, ['retireInstances', 'pruneLedger', 'collectTombstones']))
    for (let seed = 1; seed <= 10; seed++) await simulate({ seed, steps: STEPS, ...subject })
  }, 60_000)

  it('are found out: an archive that takes a write and does not keep it', async () => {
    const subject = archives((tier) =>
      override(tier, {
        putBatch: async (batch) => {
          const { writes } = batch
          const committed = await tier.putBatch({ ...batch, writes: writes.slice(0, 1) })
          const [first] = committed.outcomes
          return { ...committed, outcomes: writes.map(() => first!) }
        },
      }),
    )
    expect(Object.keys(RULES)).toContain((await firstFailure(subject)).rule)
  }, 60_000)

  it('are found out: a cache that keeps what it should remove', async () => {
    const subject = caches((tier) => override(tier, { advanceStripe: advancedUnread(tier) }))
    expect(Object.keys(RULES)).toContain((await firstFailure(subject)).rule)
  }, 60_000)

  it('are let go of, also where a run fails', async () => {
    let open = 0
    const subject: Subject = {
      tiers: {
        archive: (settings) => (open++, { ...memoryArchiveServer(settings), close: () => void open-- }),
        cache: (settings) => (open++, { ...memoryCacheServer(settings), close: async () => void open-- }),
      },
    }
    await simulate({ seed: 1, steps: 10, ...subject })
    expect(open).toBe(0)
    const failing = { check: () => Promise.reject(new Error('no')), actions: {} }
    await expect(simulate({ seed: 1, steps: 10, ...subject, application: () => failing })).rejects.toThrow(
      SimulationFailed,
    )
    expect(open).toBe(0)
  })
})

/** Moves a stripe on, as if no row were about it. */
function advancedUnread(tier: CacheTier): CacheTier['advanceStripe'] {
  return (state, _rows, to) => tier.advanceStripe(state, [], to)
}

/**
 * Counts orders: each that was acknowledged must be there in the end, or be set aside.
 *
 * @param level what the shop believes to be safe
 */
function shop(level: 'log' | 'memory'): () => Application {
  return () => {
    const acknowledged = new Set<string>()
    return {
      actions: {
        order: {
          weight: 40,
          draw: (random) => ({ id: `order.${random.below(1_000_000)}`, count: random.below(10) }),
          async run(engine, { id, count }: { id: string; count: number }, { note }) {
            // The same numbers as in the script’s own writes: the two must not be mistaken for each other.
            await engine.submit(id, { count }, { level })
            acknowledged.add(id)
            note(`${id} is paid`)
          },
        },
      },
      async check(engines) {
        for (const engine of engines) for (const { id } of engine.parked()) acknowledged.delete(id)
        for (const id of acknowledged) {
          const answers = await Promise.all(engines.map((engine) => engine.contains(id)))
          if (answers.includes(false)) throw new Error('an order is lost')
        }
      },
    }
  }
}

describe('an application', () => {
  const switches = SWITCHES.filter((name) => name !== 'restores')

  it('holds over random scripts, and its own actions and notes are told', async () => {
    const stories: string[] = []
    for (let seed = 1; seed <= 20; seed++) {
      const { story } = await simulate({ seed, steps: STEPS, switches, application: shop('log') })
      stories.push(tellStory(story))
    }
    expect(stories.join('\n')).toMatch(
      /#\d+ call process=\d name="order" input=\{"id":"order\.\d+","count":\d\}/,
    )
    expect(stories.join('\n')).toMatch(/process \d: order\.\d+ is paid/)
    expect(stories.join('\n')).toMatch(/process \d: order fails: SE_/)
  }, 60_000)

  it('that relies on what is not promised is found, shrunk and replayed', async () => {
    const subject: Subject = { application: shop('memory') }
    const found = await firstFailure(subject)
    expect(found.rule).toBe('Error: an order is lost')
    const { actions, ...rest } = await shrink(found.script, found.rule, subject)
    expect(actions.map((action) => action.do)).toContain('call')
    expect((await failureOf(decodeScript(encodeScript({ actions, ...rest })), subject)).rule).toBe(found.rule)
  }, 120_000)

  it('is missed by a script that was written with it, by the name of the action', async () => {
    const script = writeScript({ seed: 1, steps: STEPS, application: shop('log')() })
    await expect(run(script)).rejects.toThrow("the application has no 'order'; there is none")
    const other: Application = { actions: { pay: shop('log')().actions.order! } }
    await expect(run(script, { application: () => other })).rejects.toThrow("no 'order'; there are pay")
  })

  it('that throws what is no error of the engine fails the run', async () => {
    const broken: Application = {
      actions: {
        add: {
          weight: 1_000,
          draw: () => 1,
          run: () => Promise.reject(new TypeError('x is not a function')),
        },
      },
    }
    const { rule, cause } = await firstFailure({ application: () => broken }, 1)
    expect(rule).toBe('TypeError: x is not a function')
    expect(cause).toBeInstanceOf(TypeError)
  })

  it('that rejects with nothing fails the run as well', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is tried
    const add = { weight: 1_000, draw: () => 1, run: () => Promise.reject() }
    const { rule } = await firstFailure({ application: () => ({ actions: { add } }) }, 1)
    expect(rule).toBe('foreign-error')
  })
})

it('a run leaves nothing behind: the next one, and one in between, do the same as alone', async () => {
  const script = writeScript({ seed: 5, steps: STEPS })
  const alone = await run(script)
  const [once, again] = await Promise.all([run(script), run(script)])
  expect(once.story).toEqual(alone.story)
  expect(again.story).toEqual(alone.story)
})

describe('what is asked for', () => {
  const weightless = { actions: { rest: { weight: 0, draw: () => 1, run: () => Promise.resolve() } } }
  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no seed', { seed: undefined }, 'seed: must be an integer'],
    ['a negative seed', { seed: -1 }, 'seed: must be'],
    ['a seed with a fraction', { seed: 0.5 }, 'seed: must be'],
    ['no end of steps', { steps: Infinity }, 'steps: must be'],
    [
      'a kind of fault that does not exist',
      { switches: ['floods'] },
      'switches: must be a list of slow-disk',
    ],
    [
      'a part that does not exist',
      { tier: {} },
      'tier: is not a field; there are seed, steps, switches, tiers, application, config',
    ],
    ['a tier that does not exist', { tiers: { memory: () => ({}) } }, 'tiers.memory: is not a field'],
    [
      'an option that the world decides',
      { config: { stalenessMs: 50 } },
      'config.stalenessMs: is not a field',
    ],
    ['an application that is not made anew', { application: weightless }, 'application: must be a function'],
    [
      'an action that is never drawn',
      { application: () => weightless },
      'application: must be an application',
    ],
    [
      'an action beside which no other is drawn',
      { application: () => ({ actions: { rest: { ...weightless.actions.rest, weight: Infinity } } }) },
      'application: must be an application',
    ],
    ['a function that does not return one', { application: () => {} }, 'application: must be an application'],
    ['no application', { application: () => null }, 'application: must be an application'],
    ['an application without actions', { application: () => ({}) }, 'application: must be an application'],
    [
      'an action that is none',
      { application: () => ({ actions: { rest: null } }) },
      'application: must be an application',
    ],
  ])('is refused with %s, before anything is run [P77]', async (_, options, message) => {
    const given = { seed: 1, steps: 10, ...options } as unknown as Parameters<typeof simulate>[0]
    const error: unknown = await simulate(given).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SE_INVALID_INPUT' })
    expect((error as Error).message).toContain(message)
  })
})

it('a subject that is none is not taken for one with which nothing breaks', async () => {
  const script = writeScript({ seed: 1, steps: 1 })
  await expect(shrink(script, 'own', { tier: {} } as Subject)).rejects.toThrow('tier: is not a field')
})

describe('every function of the package', () => {
  const functions = Object.entries<unknown>(testing).filter(
    (entry): entry is [string, (given?: unknown) => unknown] =>
      // A class has a prototype that cannot be replaced.
      typeof entry[1] === 'function' &&
      Object.getOwnPropertyDescriptor(entry[1], 'prototype')?.writable !== false,
  )
  const outcomeOf = async (call: () => unknown): Promise<unknown> => {
    try {
      await call()
      return undefined
    } catch (error) {
      return error
    }
  }

  it('is tried', () => {
    expect(functions.map(([name]) => name)).toEqual(expect.arrayContaining(['simulate', 'run', 'shrink']))
  })

  it.each(functions)(
    '%s refuses to be called with nothing, by the field that lacks [P77]',
    async (_, call) => {
      for (const error of [await outcomeOf(() => call()), await outcomeOf(() => call(null))])
        expect(error).toMatchObject({ code: 'SE_INVALID_INPUT', field: expect.any(String) as string })
    },
  )

  it.each(functions)('%s ends in no bare error, whatever it is given [P77]', async (_, call) => {
    for (const given of [
      {},
      [],
      '',
      'text',
      -1,
      () => {},
      { seed: 1 },
      { seed: 1, switches: [], actions: [] },
    ]) {
      const error = await outcomeOf(() => call(given))
      if (error !== undefined) expect(error).toMatchObject({ code: 'SE_INVALID_INPUT' })
    }
  })
})
