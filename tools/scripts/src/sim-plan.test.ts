import { parseCommandLine, WrongCommandLine, type CommandLine } from '@se/core/node'
import { SWITCHES } from '@se/engine/testing'
import { describe, expect, it } from 'vitest'
import {
  fileOfShortest,
  meaningOf,
  planSim,
  repeatFile,
  repeatSeed,
  SIM_PROGRAM,
  summaryOf,
} from './sim-plan.ts'

/** @param text what stands behind `npm run sim --` */
function plan(text: string) {
  const args = text === '' ? [] : text.split(' ')
  return planSim(parseCommandLine(SIM_PROGRAM, args) as CommandLine<typeof SIM_PROGRAM.options>)
}

describe('npm run sim', () => {
  it('runs one seed with all kinds of fault, where nothing else is asked for', () => {
    expect(plan('')).toEqual({
      source: { kind: 'seeds', seed: undefined, count: 1, steps: 150, switches: SWITCHES },
      show: false,
      shrink: false,
      save: undefined,
    })
  })

  it('takes some kinds of fault, each once and in their order, or none', () => {
    expect(plan('--switches flips,slow-disk,flips').source).toMatchObject({
      switches: ['slow-disk', 'flips'],
    })
    expect(plan('--switches none').source).toMatchObject({ switches: [] })
  })

  it.each([
    ['--switches floods', '--switches: there is no "floods"; there are slow-disk, '],
    ['--switches ,', '--switches: there is no ""'],
    ['--replay a.json --seed 1', '--seed: is for scripts of a seed'],
    ['--replay a.json --count 2', '--count: is for scripts of a seed'],
    ['--steps 0', '--steps: must be a whole number from 1 to 100000'],
    ['--seed -1', '--seed'],
    ['--seed 4294967296', '--seed: must be a whole number from 0 to 4294967295'],
    ['--seed 1e3x', '--seed: must be a whole number'],
    ['--save=', '--save: must name a file'],
  ])('refuses %s [P77]', (text, sentence) => {
    expect(() => plan(text)).toThrow(WrongCommandLine)
    expect(() => plan(text)).toThrow(sentence)
  })

  it.each([
    ['--seed 7', 'npm run sim -- --seed 7 --show'],
    ['--seed 7 --steps 400', 'npm run sim -- --seed 7 --steps 400 --show'],
    ['--seed 7 --switches flips,clocks', 'npm run sim -- --seed 7 --switches flips,clocks --show'],
    ['--seed 7 --switches none', 'npm run sim -- --seed 7 --switches none --show'],
  ])('says for %s how to repeat it, which asks for the same again', (text, command) => {
    const { source } = plan(text)
    if (source.kind !== 'seeds') throw new Error('a seed was given')
    const repeat = repeatSeed(source.seed!, source.steps, source.switches)
    expect(repeat).toBe(command)
    expect(plan(repeat.slice('npm run sim -- '.length)).source).toEqual(source)
  })

  it('names a file so that a shell reads its name', () => {
    expect(repeatFile('reports/sim/a.json')).toBe('npm run sim -- --replay reports/sim/a.json --show')
    expect(repeatFile("it's $HOME.json")).toBe(`npm run sim -- --replay 'it'\\''s $HOME.json' --show`)
    expect(fileOfShortest(7, 'TypeError: x is not a function')).toBe(
      'reports/sim/seed-7-typeerror-x-is-not-a-function.json',
    )
  })

  it('says what broke most often first, and what a rule means', () => {
    const seeds = Array.from({ length: 10 }, (_, seed) => seed)
    expect(
      summaryOf(
        new Map([
          ['own', [3]],
          ['stale', seeds],
        ]),
      ),
    ).toEqual(['10 × stale: seeds 0, 1, 2, 3, 4, 5, 6, 7, and 2 more', '1 × own: seeds 3'])
    expect(meaningOf('stale')).toMatch(/R5/)
    expect(meaningOf('toString')).toBeUndefined()
  })
})
