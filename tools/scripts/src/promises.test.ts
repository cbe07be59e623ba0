import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { NUMBERED_DOCUMENTS, numbersIn, promisesInTitles, tagsAtTheFront, uncarried } from './promises.ts'
import { workspaceRoot } from './run-process.ts'

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
})

describe('a tag before its sentence', () => {
  it('is found in titles of calls and of tables', () => {
    const titles = [`${tag('W3')} keeps`, `${tag('W3', 'P1')} ${tag('P2')} keeps \${it}`]
    expect(tagsAtTheFront(`it('${titles[0]}', f); const t = [{ title: \`${titles[1]}\` }]`)).toEqual(titles)
  })

  it('is none at the end, in a comment, or alone', () => {
    expect(
      tagsAtTheFront(`it('keeps ${tag('W3')}', f) // ${tag('P1')} why\nconst t = '${tag('P1')}'`),
    ).toEqual([])
  })
})

it('a number that no title carries is found', () => {
  expect(uncarried(['W1', 'P1'], new Set(['W1', 'P1']))).toEqual([])
  expect(uncarried(['W1', 'P1'], new Set(['W1']))).toEqual(['P1'])
})

describe('numbers in documents', () => {
  it('are those of the rows and of the list, in order', () => {
    const rows = '|  | promise |\n|---|---|\n| W1 | a |\n| W2 | b, see W1 |\n\n| R1 | c |\n'
    expect(numbersIn('docs/INVARIANTS.md', rows)).toEqual(['W1', 'W2', 'R1'])
    expect(numbersIn('docs/PITFALLS.md', '- **P1** a\n\n## x\n\n- **P2** b (P1)\n')).toEqual(['P1', 'P2'])
  })

  it.each([
    ['one is missing', '- **P1** a\n- **P3** b\n', 'P3 stands where P2 should'],
    ['one stands twice', '- **P1** a\n- **P1** b\n', 'P1 stands where P2 should'],
    ['there are none', '1. a\n', 'has no numbers'],
  ])('are refused when %s', (_, text, message) => {
    expect(() => numbersIn('docs/PITFALLS.md', text)).toThrow(message)
  })

  it('of this project are 11 promises of writing, 8 of reading, 95 pitfalls', () => {
    const counts: Record<string, number> = {}
    for (const document of NUMBERED_DOCUMENTS) {
      for (const number of numbersIn(document, readFileSync(path.join(workspaceRoot, document), 'utf8'))) {
        counts[number[0]!] = (counts[number[0]!] ?? 0) + 1
      }
    }
    expect(counts).toEqual({ W: 11, R: 8, P: 95 })
  })
})
