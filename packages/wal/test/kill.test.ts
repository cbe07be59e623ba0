import { seededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { expect, it } from 'vitest'
import { runKillRounds } from './kill-rounds.ts'

/** Goal: SIGKILL loses nothing that was acknowledged. Method: real processes, real files, random moments. */

it('50 rounds of SIGKILL during appends by 64 writers lose nothing [W1]', { timeout: 400_000 }, async () => {
  const start = seed('kills')
  // Two directories side by side, 25 rounds each: most of a round is the start of a process.
  const summaries = await Promise.all(
    [0, 1].map((lane) => runKillRounds(seededRandom(start + lane), (round) => round === 25)),
  )
  expect(summaries.map(({ rounds }) => rounds)).toEqual([25, 25])
  for (const { acknowledged } of summaries) expect(acknowledged).toBeGreaterThan(25 * 64)
})
