import { TierUnavailable, writeFileAtomically, type ItemWrite } from '@se/core'
import { FILTER_SNAPSHOT_FILE } from '../directory.ts'
import { encodeRecord } from '../write/record.ts'
import type { EngineParts } from './assemble.ts'
import type { EngineDependencies } from './dependencies.ts'
import { rememberPosition } from './identity.ts'
import type { Maintenance } from './maintenance.ts'

/** What the steps of a stop work on. */
export interface Shutdown {
  readonly environment: EngineDependencies
  readonly runtime: EngineParts
  readonly maintenance: Pick<Maintenance, 'stop' | 'run'> | undefined
  /** Writes that were put into the log by this stop. */
  readonly logged: Set<ItemWrite>
  filterSnapshot: { readonly entries: number; readonly bytes: number } | undefined
}

export interface StopStep {
  readonly name: string
  /** Why it stands where it stands. */
  readonly reason: string
  /** Part of the time left that it may take; see `time-budget.ts`. */
  readonly share: number
  /** Left out once the archive has kept such a step waiting, and (`owner`) where the instance is another process'. */
  readonly asks?: 'archive' | 'archive as owner'
  run(shutdown: Shutdown): Promise<unknown>
}

/**
 *   (writes are refused) → flush everything → rest into the log → views stand still → snapshot → close
 *
 * A step that fails, or takes longer than its share of the time, does not keep the later ones from being done: each of them
 * only makes the next start quicker, or gives something back.
 */
export const SHUTDOWN: readonly StopStep[] = [
  {
    name: 'drain',
    reason: 'writers that were let in get their answer before anything is flushed',
    share: 0.25,
    run: ({ runtime }) => runtime.writes.drained(),
  },
  {
    name: 'log-when-in-doubt',
    reason:
      'where the archive did not answer lately, what only memory has is made safe before it is asked again',
    share: 0.25,
    run: async (shutdown) => {
      const { archive } = shutdown.environment
      if (archive.breakerState !== 'closed') await logWhatMemoryHas(shutdown)
    },
  },
  {
    name: 'flush',
    reason: 'all of it, not only what a batch is due for [P2]',
    share: 0.6,
    asks: 'archive as owner',
    run: ({ runtime }) => runtime.pipeline.flush(),
  },
  {
    name: 'log-the-rest',
    reason:
      'items acknowledged from memory that L3 could not take are made safe, before anything else may hang',
    share: 0.5,
    async run(shutdown) {
      // Also when the log cannot take them: callers that wait for the archive must hear that it will not be asked.
      shutdown.runtime.queue.abandon(
        new TierUnavailable('the engine stopped before the archive could take the write'),
      )
      await logWhatMemoryHas(shutdown)
    },
  },
  {
    name: 'stop-maintenance',
    reason: 'a round under way is waited for, once all that was acknowledged is safe',
    share: 0.2,
    run: async ({ maintenance }) => maintenance?.stop(),
  },
  {
    name: 'last-maintenance',
    reason:
      'also for a process that never lives long enough for a round; the next start reads pages, not a long tail',
    share: 0.5,
    asks: 'archive as owner',
    run: async ({ maintenance }) => maintenance?.run(),
  },
  {
    name: 'stop-pipeline',
    reason: 'a batch on its way is waited for; then nothing is sent any more',
    share: 0.2,
    async run({ runtime }) {
      await runtime.pipeline.stop()
      await runtime.back.ask('cache-settled', {})
    },
  },
  {
    name: 'last-poll',
    reason: 'brings every view to the heads; then they stand still',
    share: 0.3,
    asks: 'archive',
    async run({ runtime }) {
      await runtime.poll.now()
      await runtime.poll.stop()
    },
  },
  {
    name: 'filter-snapshot',
    reason: 'with the cut it is true for; only a trusted filter is worth keeping [P26]',
    share: 0.5,
    async run(shutdown) {
      const { runtime, environment } = shutdown
      const { filter, followed } = runtime
      if (!filter.trust.isTrusted) return
      const bytes = filter.toSnapshot(followed.cut)
      const entries = filter.entries
      const { fileSystem, config } = environment
      await writeFileAtomically(fileSystem, config.logDirectory, FILTER_SNAPSHOT_FILE, bytes)
      shutdown.filterSnapshot = { entries, bytes: bytes.length }
    },
  },
  {
    name: 'remember-position',
    reason: 'so that an archive that went back is recognised, also when that is what fenced us [P65]',
    share: 0.5,
    run: ({ environment, runtime }) =>
      rememberPosition(environment.fileSystem, environment.config.logDirectory, runtime.sender.position),
  },
  {
    name: 'end-instance',
    reason:
      'last of all that is sent, and only when nothing is left to send: then any process may take it out [P80]',
    share: 0.5,
    asks: 'archive as owner',
    async run({ runtime: { back, queue, log } }) {
      if (queue.count === 0 && log.stats().records === 0) await back.ask('end-instance', {})
    },
  },
]

/** Appends what is acknowledged at level `memory` and pending, and not in the log yet. */
async function logWhatMemoryHas({ runtime, logged }: Shutdown): Promise<void> {
  const { queue, log } = runtime
  const appends: Promise<unknown>[] = []
  for (const { write, logSequence } of queue.pending.entries()) {
    if (logSequence !== undefined || logged.has(write)) continue
    const { record } = encodeRecord({ ...write, value: write.bytes })
    appends.push(log.append(record, { urgent: true }).then(() => logged.add(write)))
  }
  await Promise.all(appends)
}
