/**
 * Goal: cases share a process where they say so and nowhere else, and whatever happens, each is told of exactly once.
 * Method: real processes, on the cases of test/sharing.bench.ts.
 */
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { groupByProcess, runInChild, type CaseEnd } from './child.ts'
import { loadBenchFile } from './load-bench-file.ts'

const file = fileURLToPath(new URL('../test/sharing.bench.ts', import.meta.url))

async function run(names: readonly string[], deadlineMs = Date.now() + 60_000, now = Date.now) {
  const ends: CaseEnd[] = []
  await runInChild(
    file,
    names.map((name) => `sharing.${name}`),
    deadlineMs,
    (end) => ends.push(end),
    now,
  )
  return ends
}

describe('cases in child processes', () => {
  it('are grouped by the process they name, in the order of the file, the others by themselves', async () => {
    const { cases } = await loadBenchFile(file)
    expect(groupByProcess(cases)).toEqual([
      ['compared', 'built', 'heap', 'crash', 'behind', 'last', 'odd', 'talk', 'cut off', 'hang'].map(
        (name) => `sharing.${name}`,
      ),
      ['sharing.alone'],
    ])
    const alone = cases.filter((one) => one.process === undefined)
    expect(groupByProcess([...alone, ...alone])).toEqual([['sharing.alone'], ['sharing.alone']])
  })

  it('find what those before them in the same process left, and nothing of other processes', async () => {
    const shared = await run(['compared', 'built'])
    expect(shared).toMatchObject([
      { kind: 'compared', case: 'sharing.compared', result: { ours: 1, against: { peer: 2 } } },
      { kind: 'report', case: 'sharing.built', table: { rows: [[1]] } },
    ])
    expect(await run(['alone'])).toMatchObject([{ kind: 'report', table: { rows: [[0]] } }])
  })

  it('are all named when one crashes: those before it with their outcome, those behind it as not run', async () => {
    const [before, ...others] = await run(['built', 'crash', 'behind', 'last'])
    expect(before).toMatchObject({ kind: 'report', case: 'sharing.built' })
    const notRun = 'not run, sharing.crash crashed in the process they share'
    expect(others).toEqual([
      { kind: 'crashed', case: 'sharing.crash', because: 'exit code 7' },
      { kind: 'crashed', case: 'sharing.behind', because: notRun },
      { kind: 'crashed', case: 'sharing.last', because: notRun },
    ])
  })

  it('are told of once each, also when one sends messages of its own', async () => {
    expect(await run(['talk', 'crash', 'last'])).toMatchObject([
      { kind: 'report', case: 'sharing.talk' },
      { kind: 'crashed', case: 'sharing.crash' },
      { kind: 'crashed', case: 'sharing.last' },
    ])
  })

  it('crash when their outcome cannot be delivered, and do no more work for nobody', async () => {
    expect(await run(['cut off', 'last'])).toMatchObject([
      { kind: 'crashed', case: 'sharing.cut off', because: 'exit code 1' },
      { kind: 'crashed', case: 'sharing.last' },
    ])
  })

  it('give numbers as they are, also those that are none', async () => {
    expect(await run(['odd'])).toMatchObject([{ kind: 'report', table: { rows: [[Number.NaN]] } }])
  })

  it('are ended when they hang, and it is said that it was the time limit', async () => {
    let asked = 0
    // Begun in time; when asked again, all that may come on top of the limit is over.
    const [hung, behind] = await run(['hang', 'last'], 1, () => (asked++ === 0 ? 0 : 60_000))
    expect(hung).toMatchObject({ kind: 'crashed', case: 'sharing.hang' })
    expect(hung?.kind === 'crashed' && hung.because).toBe(
      'still running 60 s after the time limit, ended by SIGKILL',
    )
    expect(behind).toMatchObject({ kind: 'crashed', case: 'sharing.last' })
  })

  it('are left out, each by name, when they have not begun by the deadline', async () => {
    expect(await run(['built', 'last'], 1)).toEqual([
      { kind: 'left out', case: 'sharing.built' },
      { kind: 'left out', case: 'sharing.last' },
    ])
    // Here the first one begins in time; the child's clock is the real one, so the deadline has passed when its turn ends.
    expect(await run(['built', 'behind', 'last'], 1, () => 0)).toMatchObject([
      { kind: 'report', case: 'sharing.built' },
      { kind: 'left out', case: 'sharing.behind' },
      { kind: 'left out', case: 'sharing.last' },
    ])
  })

  it('have room on the heap for most of the memory there is', async () => {
    const [end] = await run(['heap'])
    const limit = end?.kind === 'report' ? Number(end.table.rows[0]?.[0]) : 0
    const memory = Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
    expect(limit).toBeGreaterThan(0.65 * memory)
    expect(limit).toBeLessThan(0.8 * memory)
  })
})
