import type { ArchiveTier, CacheTier, Clock } from '@se/core'
import type { Log } from '@se/wal'
import { within } from '../deadline/within.ts'
import type { FlushPipeline } from '../flush/pipeline.ts'
import type { ParkingLot } from '../flush/parking.ts'
import type { HeadsPoll } from '../views/heads-poll.ts'

/** What there is to close; after a start that failed, as far as it had come. */
export interface Opened {
  readonly archive: Pick<ArchiveTier, 'close'>
  readonly cache: Pick<CacheTier, 'close'> | undefined
  readonly log: Pick<Log, 'close'> | undefined
  readonly parking: Pick<ParkingLot, 'close'> | undefined
  readonly pipeline: Pick<FlushPipeline, 'stop'> | undefined
  readonly poll: Pick<HeadsPoll, 'stop'> | undefined
}

export interface CloseStep {
  readonly name: string
  /** Why it stands where it stands. */
  readonly reason: string
  /** Part of the time left that it may take; see `time-budget.ts`. */
  readonly share: number
  /** What it gets in any case, ms. */
  readonly leastMs?: number
  run(opened: Opened): Promise<unknown> | undefined
}

/** For a disk that is busy, ms. */
export const LOG_MS_MIN = 1_000

/** The reverse order of opening, after a stop and after a start that failed alike. */
export const CLOSING: readonly CloseStep[] = [
  {
    name: 'stop-pipeline',
    reason: 'nothing is sent any more',
    share: 0.1,
    run: ({ pipeline }) => pipeline?.stop(),
  },
  {
    name: 'stop-poll',
    reason: 'also when the last poll failed',
    share: 0.1,
    run: ({ poll }) => poll?.stop(),
  },
  {
    name: 'close-cache',
    reason: 'opened last',
    share: 0.3,
    run: ({ cache }) => cache?.close(),
  },
  {
    name: 'close-archive',
    reason: 'what still waits for it is sent away',
    share: 0.7,
    run: ({ archive }) => archive.close(),
  },
  {
    name: 'close-parking',
    reason: 'nothing is parked any more',
    share: 0.4,
    run: ({ parking }) => parking?.close(),
  },
  {
    name: 'close-log',
    reason: 'last: its lock keeps others out until all is done',
    share: 1,
    leastMs: LOG_MS_MIN,
    run: ({ log }) => log?.close(),
  },
]

/** How long each part of a start that failed is waited for until it is closed, ms. */
const CLOSE_MS_MAX = 2_000

/** Closes what a start that failed had opened. What hangs is left to itself: its tier sends it away when it is closed. */
export async function closeAfterFailedStart(
  opened: Opened,
  clock: Pick<Clock, 'setBackgroundTimer' | 'monotonicMs'>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (const step of CLOSING) {
    await within(clock, CLOSE_MS_MAX, step.name, async () => step.run(opened)).catch(onFailure)
  }
}
