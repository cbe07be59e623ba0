import { describe, expect, it } from 'vitest'
import { helpOf, parseCommandLine, usageOf, type Program } from './program.ts'

/** Goal: no word of a command line is taken that nobody understands. Method: a program with an option of each kind. */

const program = {
  name: 'npm run thing --',
  summary: 'Does things.',
  options: {
    only: { type: 'text', value: 'AREA', meaning: 'That area alone.', default: '' },
    file: { type: 'text', value: 'FILE', meaning: 'Where to.' },
    minutes: { type: 'number', value: 'N', min: 0, max: 60, default: 10, meaning: 'How long.' },
    seed: { type: 'integer', value: 'S', min: 0, max: 2 ** 32 - 1, meaning: 'What repeats it.' },
    once: { type: 'flag', meaning: 'Not again.' },
  },
} as const satisfies Program

const parse = (...args: string[]) => parseCommandLine(program, args)

describe('a command line', () => {
  it('gives the values, of their kinds, and the defaults', () => {
    expect(parse('--minutes', '0.5', '--seed=7', '--once')).toMatchObject({
      values: { only: '', file: undefined, minutes: 0.5, seed: 7, once: true },
    })
    expect(parse()).toMatchObject({
      values: { only: '', file: undefined, minutes: 10, seed: undefined, once: false },
    })
  })

  it.each<[string, string[], string]>([
    [
      'an option that is none',
      ['--ony', 'x'],
      "Unknown option '--ony'; there are --only, --file, --minutes, --seed, --once, --help, --version",
    ],
    ['a letter', ['-x'], "Unknown option '-x'; there are"],
    ['a word that is not wanted', ['wal'], "Unexpected argument 'wal'"],
    ['an option without its value', ['--file'], "Option '--file <value>' argument missing"],
    ['a flag with one', ['--once=yes'], "Option '--once' does not take an argument"],
    ['no number', ['--minutes', 'x'], "--minutes: must be a number from 0 to 60, not 'x'"],
    ['an empty one', ['--minutes', ' '], '--minutes: must be a number'],
    ['one too large', ['--minutes', '61'], '--minutes: must be a number from 0 to 60'],
    ['a fraction', ['--seed', '1.5'], '--seed: must be a whole number from 0 to 4294967295'],
  ])('refuses %s [P77]', (_, args, message) => {
    expect(() => parse(...args)).toThrow(
      expect.objectContaining({
        name: 'WrongCommandLine',
        message: expect.stringContaining(message) as string,
      }),
    )
  })

  it('asks for help or the version before all else, wherever they stand, but not behind a lone --', () => {
    expect(parse('--bogus', '--help')).toBe('help')
    expect(parse('--version')).toBe('version')
    expect(() => parse('--', '--help')).toThrow("Unexpected argument '--help'")
  })

  it('is refused for words that are missing, unknown or too many', () => {
    const words = [{ name: 'COMMAND', oneOf: ['up', 'down'] }, { name: 'DIR' }]
    const parseWords = (...args: string[]) => parseCommandLine({ ...program, words }, args)
    expect(parseWords('up', 'a')).toMatchObject({ words: ['up', 'a'] })
    expect(() => parseWords()).toThrow('COMMAND is missing; there are up, down')
    expect(() => parseWords('sideways', 'a')).toThrow("Unknown command 'sideways'; there are up, down")
    expect(() => parseWords('up')).toThrow('DIR is missing')
    expect(() => parseWords('up', 'a', 'b')).toThrow("Unexpected argument 'b'")
  })

  it('is passed on as it is where another program reads it', () => {
    const passing = { ...program, options: {}, passesOnTo: 'nx run-many' }
    expect(parseCommandLine(passing, ['-p', 'wal', '--bogus'])).toMatchObject({
      rest: ['-p', 'wal', '--bogus'],
    })
    expect(parseCommandLine(passing, ['--help'])).toBe('help')
    expect(usageOf(passing)).toBe('usage: npm run thing -- [ARGUMENTS OF nx run-many]')
  })
})

describe('help', () => {
  it('has the usage, what the program does, and every option with its meaning and default', () => {
    expect(helpOf(program))
      .toBe(`usage: npm run thing -- [--only AREA] [--file FILE] [--minutes N] [--seed S] [--once]

Does things.

  --only AREA  That area alone.
  --file FILE  Where to.
  --minutes N  How long. Default: 10.
  --seed S     What repeats it.
  --once       Not again.
  --help       Prints this.
  --version    Prints the version.`)
  })

  it('has a line for each way to call it', () => {
    expect(usageOf({ ...program, name: 'se-wal', forms: ['inspect DIR', 'tail DIR [--once]'] })).toBe(
      'usage: se-wal inspect DIR\nusage: se-wal tail DIR [--once]',
    )
  })
})
