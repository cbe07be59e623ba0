// Goal: what seems to be lost is believed neither too soon nor later than it must. Method: a database that says when it is asked.
import { createFakeClock, seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import type { ArchiveDatabase } from '../src/archive-database.ts'
import { MayBeBehind } from '../src/may-be-behind.ts'
import { Runner } from '../src/runner.ts'
import { seed } from './contract-harness.ts'

const BEHIND_MS = 300

/** Asks a server that never catches up. @returns for each ask, when it was answered and whether that was believed, ms */
async function askUntilSure(answerMs: number) {
  const clock = createFakeClock()
  const asks: { readonly atMs: number; readonly isSure: boolean }[] = []
  const database = {
    behindMs: BEHIND_MS,
    write: async <T>(work: (session: never) => Promise<T>) => {
      await clock.advance(answerMs)
      return work(undefined as never)
    },
  } as Pick<ArchiveDatabase, 'behindMs' | 'write'> as ArchiveDatabase
  const runner = new Runner(database, {
    clock,
    random: seededRandom(seed),
    attemptsMax: 1,
    onRetry: () => undefined,
  })
  let isDone = false
  const ended = runner
    .writeOnceCaughtUp(async (_, isSure) => {
      asks.push({ atMs: clock.monotonicMs(), isSure })
      if (!isSure) throw new MayBeBehind()
    })
    .finally(() => (isDone = true))
  while (!isDone) {
    await new Promise(setImmediate)
    await clock.advance(10)
  }
  await ended
  return asks
}

it.each([0, 40, 5_000])(
  'a doubt lasts from the first answer that gave rise to it, however long an answer takes (%d ms) [P78, P91]',
  async (answerMs) => {
    const asks = await askUntilSure(answerMs)
    expect(asks.length).toBeGreaterThan(1)
    expect(asks.map(({ isSure }) => isSure)).toEqual(asks.map((_, index) => index === asks.length - 1))
    const doubtedMs = asks.at(-1)!.atMs - asks[0]!.atMs
    expect(doubtedMs).toBeGreaterThanOrEqual(BEHIND_MS)
    expect(doubtedMs).toBeLessThan(BEHIND_MS + 2 * answerMs + 200)
  },
)
