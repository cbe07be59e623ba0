import { acquireTestServices } from '@se/testkit/services'
import { runChaos } from '../src/history/chaos.ts'

export const area = 'history'

const DURATION_MS_MIN = 60_000
const DURATION_MS_MAX = 600_000
/** For servers and processes to start, and for what is healed to settle, ms. */
const MARGIN_MS = 15_000

/**
 * Four processes under faults for ten minutes at most, where there are servers of our own.
 *
 * @throws HistoryBroken naming the anomalies and where the histories lie
 */
export async function run(options: {
  readonly deadline: number
  readonly seed: number
  readonly log: (line: string) => void
}): Promise<void> {
  const { deadline, seed, log } = options
  // Sees to it that the programs are installed where that is allowed.
  const services = await acquireTestServices()
  await services.release()
  const leftMs = deadline - Date.now() - MARGIN_MS
  const durationMs = Math.min(DURATION_MS_MAX, Math.max(DURATION_MS_MIN, leftMs))
  const { counts, faults, lives } = await runChaos({ seed, durationMs, log })
  const happened = [...faults].map(([name, count]) => `${name} ${count}`).join(', ')
  log(
    `seed ${seed}: ${counts.reads} reads, ${counts.bounded} held to something, ${lives} processes: ${happened}`,
  )
}
