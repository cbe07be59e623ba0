import { StorageError, TierUnavailable, writeFileAtomically } from '@se/core'
import { within } from '../guard/within.ts'
import type { EngineObserver } from '../observer.ts'
import { encodeRecord } from '../write/record.ts'
import { rememberPosition } from './identity.ts'
import type { Maintenance } from './maintenance.ts'
import type { Environment, Runtime } from './runtime.ts'
import { FILTER_SNAPSHOT_FILE } from './startup.ts'

/** What a stop did. */
export interface StopReport {
  /** Items that L3 could not take and that stay in the log for the next start. */
  readonly itemsLeftInLog: number
  /** `undefined`: none was written, because the filter was not trusted. */
  readonly filterSnapshot: { readonly entries: number; readonly bytes: number } | undefined
  readonly durationMs: number
  /** Steps that failed; the others were done all the same. */
  readonly problems: readonly { readonly step: string; readonly error: unknown }[]
}

interface Shutdown {
  readonly environment: Environment
  readonly runtime: Runtime
  readonly maintenance: Pick<Maintenance, 'stop'> | undefined
  filterSnapshot: StopReport['filterSnapshot']
}

/** How long a stop waits for what only makes the next start quicker, ms. */
const FOLD_WAIT_MS = 30_000
/** … and for a tier that was told to close, ms: it may hang as its calls did. */
export const CLOSE_WAIT_MS = 5_000

interface Step {
  readonly name: string
  /** Why it stands where it stands. */
  readonly reason: string
  run(shutdown: Shutdown): Promise<void>
}

/**
 *   (writes are refused) → flush everything → rest into the log → views stand still → snapshot → close
 *
 * A step that fails does not keep the later ones from being done: each of them only makes the next start quicker,
 * or gives something back.
 */
export const SHUTDOWN: readonly Step[] = [
  {
    name: 'drain',
    reason: 'writers that were let in get their answer before anything is flushed',
    run: ({ runtime }) => runtime.writes.drained(),
  },
  {
    name: 'flush',
    reason: 'all of it, not only what a batch is due for [P2]',
    run: ({ runtime }) => runtime.pipeline.flush(),
  },
  {
    name: 'stop-pipeline',
    reason: 'a batch on its way is waited for; then nothing is sent any more',
    run: ({ runtime }) => runtime.pipeline.stop(),
  },
  {
    name: 'log-the-rest',
    reason: 'items acknowledged from memory that L3 could not take are made safe in the log',
    async run({ runtime }) {
      const { pending, log } = runtime
      const records: Uint8Array[] = []
      for (const { write, logSequence } of pending.entries()) {
        if (logSequence === undefined) records.push(encodeRecord({ ...write, value: write.bytes }).record)
      }
      // Also when the log cannot take them: whoever waits for the archive must hear that nobody will ask it.
      pending.abandon(new TierUnavailable('the engine stopped before the archive could take the write'))
      await Promise.all(records.map((record) => log.append(record, { urgent: true })))
    },
  },
  {
    name: 'stop-poll',
    reason: 'one last poll brings every view to the heads; then they stand still',
    async run({ runtime }) {
      await runtime.poll.now()
      await runtime.poll.stop()
    },
  },
  {
    name: 'filter-snapshot',
    reason: 'with the cut it is true for; only a trusted filter is worth keeping [P26]',
    async run(shutdown) {
      const { runtime, environment } = shutdown
      const { filter, views } = runtime
      if (!filter.trust.isTrusted) return
      const bytes = filter.toSnapshot(views.cut)
      const entries = filter.entries
      await writeFileAtomically(
        environment.fileSystem,
        environment.config.logDirectory,
        FILTER_SNAPSHOT_FILE,
        bytes,
      )
      shutdown.filterSnapshot = { entries, bytes: bytes.length }
    },
  },
  {
    name: 'stop-maintenance',
    reason: 'a round under way is waited for, once all that was acknowledged is safe',
    run: async ({ maintenance }) => maintenance?.stop(),
  },
  {
    name: 'fold-tree',
    reason: 'the next start reads pages instead of a long tail',
    async run({ environment }) {
      const { archive, clock } = environment
      await within(clock, FOLD_WAIT_MS, 'folding the tree', () => archive.foldTree())
    },
  },
  {
    name: 'remember-position',
    reason: 'so that an archive that went back is recognised, also when that is what fenced us [P65]',
    run: ({ environment, runtime }) =>
      rememberPosition(environment.fileSystem, environment.config.logDirectory, runtime.pipeline.position),
  },
]

/** The reverse order of opening. */
const CLOSE: readonly Step[] = [
  {
    name: 'stop-poll-timer',
    reason: 'also when the last poll failed',
    run: ({ runtime }) => runtime.poll.stop(),
  },
  {
    name: 'close-cache',
    reason: 'opened last',
    run: async ({ environment: { cache, clock } }) =>
      cache && within(clock, CLOSE_WAIT_MS, 'closing the cache', () => cache.close()),
  },
  {
    name: 'close-archive',
    reason: 'nothing is sent any more',
    run: ({ environment: { archive, clock } }) =>
      within(clock, CLOSE_WAIT_MS, 'closing the archive', () => archive.close()),
  },
  {
    name: 'close-parking',
    reason: 'nothing is parked any more',
    run: ({ runtime }) => runtime.parking.close(),
  },
  {
    name: 'close-log',
    reason: 'last: its lock keeps others out until all is done',
    run: ({ runtime }) => runtime.log.close(),
  },
]

/** @param isFenced the instance belongs to somebody else: nothing is sent to the archive any more */
export async function runShutdown(
  environment: Environment,
  runtime: Runtime,
  maintenance: Pick<Maintenance, 'stop'> | undefined,
  isFenced: boolean,
): Promise<StopReport> {
  const { clock, observer } = environment
  const startedMs = clock.monotonicMs()
  const shutdown: Shutdown = { environment, runtime, maintenance, filterSnapshot: undefined }
  const problems: { step: string; error: unknown }[] = []
  const steps = [...SHUTDOWN.filter(({ name }) => !isFenced || !NEEDS_INSTANCE.has(name)), ...CLOSE]
  for (const step of steps) {
    try {
      await step.run(shutdown)
    } catch (error) {
      problems.push({ step: step.name, error })
      tell(observer, step.name, error)
    }
  }
  return {
    itemsLeftInLog: runtime.pending.stats.items,
    filterSnapshot: shutdown.filterSnapshot,
    durationMs: clock.monotonicMs() - startedMs,
    problems,
  }
}

const NEEDS_INSTANCE = new Set(['flush'])

function tell(observer: EngineObserver, step: string, error: unknown): void {
  const part = step.includes('log') ? 'log' : step.includes('cache') ? 'cache' : 'archive'
  const what =
    error instanceof StorageError
      ? `stop: ${step} failed; what was acknowledged stays in the log`
      : `stop: ${step} failed unexpectedly`
  observer.fault?.({ part, what, error })
}
