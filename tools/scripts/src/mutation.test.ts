import { describe, expect, it } from 'vitest'
import { applyMutant, MutantInvalid, parseMutants } from './mutation.ts'

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
