import { describe, expect, it } from 'vitest'
import { promiseNumbers, promisesInTitles } from './promises.ts'

// Titles are put together here, so that the examples below do not count as tests of those promises.
const tag = (...numbers: string[]) => `[${numbers.join(', ')}]`

describe('promises in titles', () => {
  it('finds them in tests, tables, templates and lists of several', () => {
    expect(promisesInTitles(`it('${tag('W3')} keeps', () => {})`)).toEqual(['W3'])
    expect(promisesInTitles(`describe.each([1])('a ${tag('P12', 'R2')}', () => {})`)).toEqual(['P12', 'R2'])
    expect(promisesInTitles(`test(\`\${name} ${tag('R7')}\`, () => {})`)).toEqual(['R7'])
  })

  it('ignores comments and texts that are no titles', () => {
    expect(promisesInTitles(`// it('${tag('W3')}')\nconst text = '${tag('W4')}'`)).toEqual([])
  })

  it('knows 8 promises of writing, 7 of reading, 65 pitfalls', () => {
    expect(promiseNumbers).toHaveLength(80)
    expect(promiseNumbers).toContain('P65')
    expect(promiseNumbers).not.toContain('P66')
  })
})
