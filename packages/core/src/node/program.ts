import { parseArgs } from 'node:util'

/**
 * One table for the command line of each program: it reads what was typed, refuses what it does not know [P77], and prints
 * `--help`. The table is read without any effect; `readCommandLine` says the rest and ends the process.
 */

/** An option of a program, by its long name. */
export type ProgramOption = {
  /** One sentence, for `--help`. */
  readonly meaning: string
} & (
  | { readonly type: 'flag' }
  | { readonly type: 'text'; readonly value: string; readonly default?: string }
  | {
      readonly type: 'number' | 'integer'
      readonly value: string
      readonly min: number
      readonly max: number
      readonly default?: number
    }
)

/** A word that stands by itself: a command, a directory. */
export interface ProgramWord {
  /** In capitals, as usages have it; a command's is never shown. */
  readonly name: string
  readonly oneOf?: readonly string[]
}

export interface Program<
  Options extends Readonly<Record<string, ProgramOption>> = Readonly<Record<string, ProgramOption>>,
> {
  /** As people call it: `se-wal`, `npm run torture --`. */
  readonly name: string
  /** What it does, in one or more sentences. */
  readonly summary: string
  /** What may stand behind the name, a line for each way to call it; default: all options, each in brackets. */
  readonly forms?: readonly string[]
  readonly options: Options
  /** Words it needs, in order; default: none. */
  readonly words?: readonly ProgramWord[]
  /** The program that gets what this one does not know, unread; for `--help`. */
  readonly passesOnTo?: string
  /** With which it ends on a wrong command line. Default 1. */
  readonly usageExitCode?: number
}

type ValueOf<Option> = Option extends { readonly type: 'flag' }
  ? boolean
  : Option extends { readonly type: 'text' }
    ? Option extends { readonly default: string }
      ? string
      : string | undefined
    : Option extends { readonly default: number }
      ? number
      : number | undefined

export interface CommandLine<Options> {
  readonly values: { readonly [Name in keyof Options]: ValueOf<Options[Name]> }
  readonly words: readonly string[]
  /** What is passed on. */
  readonly rest: readonly string[]
}

/** What was typed is wrong: one sentence that names it and says what there is. */
export class WrongCommandLine extends Error {
  override readonly name = 'WrongCommandLine'
}

/** What a program asks for by itself. */
const OWN_OPTIONS = {
  help: { type: 'flag', meaning: 'Prints this.' },
  version: { type: 'flag', meaning: 'Prints the version.' },
} as const satisfies Readonly<Record<string, ProgramOption>>

/**
 * @param args without the program's own name
 * @returns what was asked for: `help` and `version` come before all else
 * @throws WrongCommandLine
 */
export function parseCommandLine<const Options extends Readonly<Record<string, ProgramOption>>>(
  program: Program<Options>,
  args: readonly string[],
): 'help' | 'version' | CommandLine<Options> {
  const end = args.indexOf('--')
  const own = end < 0 ? args : args.slice(0, end)
  if (own.includes('--help')) return 'help'
  if (own.includes('--version')) return 'version'
  if (program.passesOnTo !== undefined) {
    return { values: {} as CommandLine<Options>['values'], words: [], rest: args }
  }
  const { values, positionals } = parseStrictly(program.options, args)
  checkWords(program.words ?? [], positionals)
  return {
    values: Object.fromEntries(
      Object.entries(program.options).map(([name, option]) => [name, valueOf(name, option, values[name])]),
    ) as CommandLine<Options>['values'],
    words: positionals,
    rest: [],
  }
}

/** The first lines of `--help`, and what follows a mistake. */
export function usageOf(program: Program): string {
  const all = Object.entries(program.options).map(([name, option]) => `[${shown(name, option)}]`)
  const passedOn = program.passesOnTo === undefined ? [] : [`[ARGUMENTS OF ${program.passesOnTo}]`]
  const forms = program.forms ?? [[...all, ...passedOn].join(' ')]
  return forms.map((form) => `usage: ${program.name} ${form}`.trimEnd()).join('\n')
}

export function helpOf(program: Program): string {
  const rows = Object.entries<ProgramOption>({ ...program.options, ...OWN_OPTIONS }).map(
    ([name, option]) => [shown(name, option), `${option.meaning}${defaultOf(option)}`] as const,
  )
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return [usageOf(program), '', program.summary, '', ...lines].join('\n')
}

function parseStrictly(
  options: Readonly<Record<string, ProgramOption>>,
  args: readonly string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const types = Object.entries(options).map(
    ([name, { type }]) => [name, { type: type === 'flag' ? 'boolean' : 'string' }] as const,
  )
  try {
    return parseArgs({
      args: [...args],
      options: Object.fromEntries(types),
      allowPositionals: true,
    }) as ReturnType<typeof parseStrictly>
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    if (typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS')) throw error
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new WrongCommandLine(message, { cause: error })
    const [unknown] = /'-.*?'/.exec(message) ?? ['an option']
    const names = Object.keys({ ...options, ...OWN_OPTIONS }).map((name) => `--${name}`)
    throw new WrongCommandLine(`Unknown option ${unknown}; there are ${names.join(', ')}`, { cause: error })
  }
}

function checkWords(words: readonly ProgramWord[], given: readonly string[]): void {
  for (const [index, { name, oneOf }] of words.entries()) {
    const word = given[index]
    if (word === undefined) {
      throw new WrongCommandLine(
        `${name} is missing${oneOf === undefined ? '' : `; there are ${oneOf.join(', ')}`}`,
      )
    }
    if (oneOf !== undefined && !oneOf.includes(word)) {
      throw new WrongCommandLine(`Unknown ${name.toLowerCase()} '${word}'; there are ${oneOf.join(', ')}`)
    }
  }
  const extra = given[words.length]
  if (extra !== undefined) throw new WrongCommandLine(`Unexpected argument '${extra}'`)
}

function valueOf(name: string, option: ProgramOption, given: string | boolean | undefined): unknown {
  if (option.type === 'flag') return given === true
  if (given === undefined || option.type === 'text') return given ?? option.default
  const { type, min, max } = option
  const value = String(given).trim() === '' ? Number.NaN : Number(given)
  if (value >= min && value <= max && (type === 'number' || Number.isInteger(value))) return value
  const kind = type === 'number' ? 'a number' : 'a whole number'
  throw new WrongCommandLine(`--${name}: must be ${kind} from ${min} to ${max}, not '${given}'`)
}

function shown(name: string, option: ProgramOption): string {
  return option.type === 'flag' ? `--${name}` : `--${name} ${option.value}`
}

function defaultOf(option: ProgramOption): string {
  return option.type === 'flag' || option.default === undefined || option.default === ''
    ? ''
    : ` Default: ${option.default}.`
}
