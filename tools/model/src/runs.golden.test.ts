/**
 * Goal: the rules of the transaction hold together, each of them is needed, and nobody changes the model unnoticed.
 * Method: every quick run is explored to its end; what it finds is compared with what it must find. The numbers of states and the
 * traces are compared with checked-in files (`vitest -u` writes them anew).
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CUT_RULES_LEFT_OUT } from './cuts/cut-rules-left-out.ts'
import { CUT_RULES } from './cuts/cut-rules.ts'
import { explore, type Exploration } from './explore/explore.ts'
import { isAsExpected, lineOf, resultOf, traceOf } from './report.ts'
import { ALL_RUNS, LEFT_OUT_RUNS, OTHER_STORE_RUNS, PROTOCOL_RUNS, type Run } from './runs.ts'
import { RULES_LEFT_OUT } from './transaction/rules-left-out.ts'
import { RULES } from './transaction/rules.ts'

const rules = [...Object.keys(RULES), ...Object.keys(CUT_RULES)]
const explored = new Map<string, Exploration>()

function exploreOnce(run: Run): Exploration {
  const known = explored.get(run.name) ?? explore(run.world(), { only: run.only })
  explored.set(run.name, known)
  return known
}

function check(run: Run): void {
  const exploration = exploreOnce(run)
  expect(isAsExpected(run, exploration), `${run.name}: ${resultOf(exploration)}`).toBe(true)
}

describe('the protocol', () => {
  const runs = PROTOCOL_RUNS.filter(({ isQuick }) => isQuick)

  it.each(runs)('keeps all promises: $name [W2, W3, W4, W5, P83]', check)

  it('has the states that are written down', async () => {
    const lines = runs.map((run) => lineOf(run, exploreOnce(run)))
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../test/protocol.golden.txt')
  })
})

describe('a rule left out', () => {
  it.each(LEFT_OUT_RUNS)('shows what it is for: $name [W2, W3, W4, W5, P83]', check)

  it.each(OTHER_STORE_RUNS)('shows it with every way to store: $name [W2, W3, W4, W5]', check)

  it('leaves the traces that are written down', async () => {
    const told = LEFT_OUT_RUNS.map((run) => {
      const exploration = exploreOnce(run)
      return [lineOf(run, exploration), ...traceOf(exploration)].join('\n')
    })
    await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('../test/left-out.golden.txt')
  })

  it('is any of them: each is left out somewhere, with a violation', () => {
    const broken = [...RULES_LEFT_OUT, ...CUT_RULES_LEFT_OUT].filter(({ breaks }) => breaks !== undefined)
    const leftOut = new Set(broken.flatMap(({ changed }) => Object.keys(changed)))
    expect(rules.filter((rule) => !leftOut.has(rule))).toEqual([])
  })

  it('is told on the page of the protocol', () => {
    const page = readFileSync(new URL('../../../docs/protocols/transaction.md', import.meta.url), 'utf8')
    expect(rules.filter((rule) => !page.includes(`\`${rule}\``))).toEqual([])
  })
})

it('runs have names of their own', () => {
  const names = ALL_RUNS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
