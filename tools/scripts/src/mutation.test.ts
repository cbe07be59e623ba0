import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { applyMutant, MutantInvalid, outcomeOf, parseMutants } from './mutation.ts'
import { workspaceRoot } from './run-process.ts'

const mutant = { file: 'src/a.ts', find: 'a < b', replace: 'a <= b', test: 'src/a.test.ts' }

describe('mutants', () => {
  it('replaces the one occurrence, and takes the replacement as it stands', () => {
    expect(applyMutant('if (a < b) {}', mutant)).toBe('if (a <= b) {}')
    expect(applyMutant('if (a < b) {}', { ...mutant, replace: '$&$1' })).toBe('if ($&$1) {}')
  })

  it('refuses a text that occurs never or twice, because it would prove nothing', () => {
    expect(() => applyMutant('', mutant)).toThrow(MutantInvalid)
    expect(() => applyMutant('a < b, a < b', mutant)).toThrow('2 times')
    expect(() => applyMutant('a < b', { ...mutant, replace: mutant.find })).toThrow('changes nothing')
  })

  it('names the entry and field of a list that is wrong', () => {
    expect(parseMutants([mutant], 'x')).toEqual([mutant])
    expect(() => parseMutants(undefined, 'x')).toThrow('x: must export mutants')
    expect(() => parseMutants([mutant, { ...mutant, find: '' }], 'x')).toThrow('mutants[1].find')
  })
})

describe('what a run of Vitest shows', () => {
  const run = (success: boolean, ...statuses: string[]) => ({
    success,
    testResults: [
      {
        name: 'a.test.ts',
        status: success ? 'passed' : 'failed',
        message: 'no export b',
        assertionResults: statuses.map((status) => ({ fullName: `a ${status} test`, status })),
      },
    ],
  })

  it('is a pass only where a test passed and nothing failed', () => {
    expect(outcomeOf(run(true, 'skipped', 'passed'))).toEqual({ kind: 'passed' })
    expect(outcomeOf(run(false, 'passed', 'failed'))).toEqual({ kind: 'failed', by: 'a failed test' })
    expect(outcomeOf(run(false, 'passed'))).toEqual({ kind: 'failed', by: 'an error outside of any test' })
    expect(outcomeOf(undefined)).toEqual({ kind: 'failed', by: 'the time limit' })
  })

  it('is nothing where no test ran: neither noticed nor missed', () => {
    expect(outcomeOf(run(true, 'skipped'))).toMatchObject({ kind: 'nothing-ran' })
    expect(outcomeOf(run(false))).toEqual({ kind: 'nothing-ran', because: 'no export b' })
  })
})

describe('the planted bugs of this workspace', () => {
  const lists = globSync('{packages,apps,tools}/*/mutants.ts', { cwd: workspaceRoot }).toSorted()

  // Who changes the code renews the entry: by `npm run mutants` alone it would be noticed much later.
  it.each(lists)('fit the code that there is: %s', async (list) => {
    const directory = path.join(workspaceRoot, path.dirname(list))
    const loaded = (await import(pathToFileURL(path.join(workspaceRoot, list)).href)) as { mutants?: unknown }
    for (const mutant of parseMutants(loaded.mutants, list)) {
      expect(() => applyMutant(readFileSync(path.join(directory, mutant.file), 'utf8'), mutant)).not.toThrow()
      expect(existsSync(path.join(directory, mutant.test)), mutant.test).toBe(true)
    }
  })

  it('are in every list that there is', () => {
    expect(lists).toContain('packages/engine/mutants.ts')
    expect(lists).toContain('tools/testkit/mutants.ts')
  })
})
