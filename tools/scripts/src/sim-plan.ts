import { InvalidInput } from '@se/core'
import { WrongCommandLine, type CommandLine, type Program, type ProgramOption } from '@se/core/node'
import { readSwitches, RULES, STEPS_MAX, SWITCHES, type Rule, type Switch } from '@se/engine/testing'

/** Decisions of `npm run sim`: what is asked for, and the command that asks for the same again. */

const STEPS = 150
const SEED_MAX = 2 ** 32 - 1

export const SIM_PROGRAM = {
  name: 'npm run sim --',
  summary: `Runs the whole engine in the simulated world of @se/engine/testing: each seed is a script of writes, reads and faults, over some processes, an archive and caches, against a model that judges every answer. Prints which promises break, and the command that repeats it; exit 1 when one does.`,
  options: {
    seed: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: SEED_MAX,
      meaning: 'The first seed; default: a random one.',
    },
    steps: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: STEPS_MAX,
      meaning: `Actions of each script, at least. Default: ${STEPS}.`,
    },
    count: { type: 'integer', value: 'N', min: 1, max: 10_000_000, meaning: 'So many seeds. Default: 1.' },
    switches: {
      type: 'text',
      value: 'NAMES',
      meaning: `These kinds of fault alone: ${SWITCHES.join(',')}; none: 'none'. Default: all.`,
    },
    replay: { type: 'text', value: 'FILE', meaning: 'Runs the script of a file, instead of one of a seed.' },
    show: { type: 'flag', meaning: 'Prints what each action did: the run as a story.' },
    shrink: {
      type: 'flag',
      meaning:
        'Of the first run that breaks a promise: looks for the shortest script that breaks it too, prints it and saves it.',
    },
    save: {
      type: 'text',
      value: 'FILE',
      meaning: 'Writes the script to a file: the one that there is, or the first that breaks a promise.',
    },
  },
} as const satisfies Program<Readonly<Record<string, ProgramOption>>>

/** What is run. */
export type SimSource =
  | {
      readonly kind: 'seeds'
      /** `undefined`: any. */
      readonly seed: number | undefined
      readonly count: number
      readonly steps: number
      readonly switches: readonly Switch[]
    }
  | { readonly kind: 'file'; readonly file: string }

export interface SimPlan {
  readonly source: SimSource
  readonly show: boolean
  readonly shrink: boolean
  readonly save: string | undefined
}

/** @throws WrongCommandLine for options that exclude each other, and for a switch that does not exist */
export function planSim({ values }: CommandLine<typeof SIM_PROGRAM.options>): SimPlan {
  const { seed, steps, count, switches, replay, show, shrink, save } = values
  if (replay === '' || save === '')
    throw new WrongCommandLine(`--${replay === '' ? 'replay' : 'save'}: must name a file`)
  if (replay === undefined) {
    const chosen = switches === undefined ? SWITCHES : switchesIn(switches)
    return {
      source: { kind: 'seeds', seed, count: count ?? 1, steps: steps ?? STEPS, switches: chosen },
      show,
      shrink,
      save,
    }
  }
  const [excluded] =
    Object.entries({ seed, steps, count, switches }).find(([, given]) => given !== undefined) ?? []
  if (excluded !== undefined) {
    throw new WrongCommandLine(`--${excluded}: is for scripts of a seed; --replay has a script of its own`)
  }
  return { source: { kind: 'file', file: replay }, show, shrink, save }
}

function switchesIn(text: string): readonly Switch[] {
  if (text === 'none') return []
  try {
    return readSwitches(text.split(','))
  } catch (error) {
    if (error instanceof InvalidInput) throw new WrongCommandLine(`--${error.message}`)
    throw error
  }
}

/** Runs the script of a seed once more, and shows it. */
export function repeatSeed(seed: number, steps: number, switches: readonly Switch[]): string {
  const all = SWITCHES.every((name) => switches.includes(name))
  const parts = [
    `npm run sim -- --seed ${seed}`,
    ...(steps === STEPS ? [] : [`--steps ${steps}`]),
    ...(all ? [] : [`--switches ${switches.length === 0 ? 'none' : switches.join(',')}`]),
  ]
  return [...parts, '--show'].join(' ')
}

/** Runs the script of a file, and shows it. */
export function repeatFile(file: string): string {
  return `npm run sim -- --replay ${/^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`} --show`
}

/** A file for a script that was made shorter, within the workspace. */
export function fileOfShortest(seed: number, rule: string): string {
  const name = rule
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
  return `reports/sim/seed-${seed}-${name}.json`
}

/** What a rule says; for errors that are none: `undefined`. */
export function meaningOf(rule: string): string | undefined {
  return Object.hasOwn(RULES, rule) ? RULES[rule as Rule] : undefined
}

/** Which rules broke, and at which seeds: the most frequent first. */
export function summaryOf(broken: ReadonlyMap<string, readonly number[]>): string[] {
  return [...broken]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([rule, seeds]) => {
      const more = seeds.length > 8 ? `, and ${seeds.length - 8} more` : ''
      return `${seeds.length} × ${rule}: seeds ${seeds.slice(0, 8).join(', ')}${more}`
    })
}
