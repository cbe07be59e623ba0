/**
 * Goal: what several processes are told under faults is never older than it may be, invented, lost or resurrected.
 * Method: a minute of real processes on one archive and one Redis, whose histories are checked; ten minutes in
 * `npm run torture -- --only history`.
 */
import { seed } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'
import { archiveFaults, cacheFaults, processFaults } from './faults.ts'

const DURATION_MS = 50_000
const TIMEOUT_MS = 300_000

describeWithServer('sql', 'histories on MySQL or MariaDB', () => {
  describeWithServer('redis', 'and Redis', () => {
    test(
      'hold no anomaly under kills, freezes, cuts and a cache that is lost, set back and evicting [W1, W2, W3, R1, R2, R5]',
      { timeout: TIMEOUT_MS },
      async () => {
        const lines: string[] = []
        const { counts, faults, lives } = await runChaos({
          seed: seed('histories'),
          durationMs: DURATION_MS,
          log: (line) => lines.push(line),
        }).finally(() => console.log(lines.join('\n')))
        // A run that proved something: reads of which something was demanded, faults of each kind, processes that ended.
        expect(counts.bounded).toBeGreaterThan(1_000)
        for (const kind of [processFaults, cacheFaults, archiveFaults]) {
          expect(Object.keys(kind).some((name) => faults.has(name))).toBe(true)
        }
        expect(lives).toBeGreaterThan(4)
      },
    )
  })
})
