import { type ArchiveTier, type CancelTimer, type Clock } from '@se/core'
import type { EngineObserver } from '../observer.ts'

export interface MaintenancePorts {
  readonly archive: Pick<
    ArchiveTier,
    'backend' | 'foldTree' | 'pruneLedger' | 'collectTombstones' | 'readHeads'
  >
  readonly clock: Clock
  readonly observer: EngineObserver
  readonly ledgerAgeMs: number
  readonly tombstoneAgeMs: number
  /** Notes in the log directory how far the own ledger has come [P65]. */
  readonly rememberPosition: () => Promise<void>
}

/** Pause between two rounds, ms. */
export const MAINTENANCE_INTERVAL_MS = 30_000

/**
 * What keeps the archive from growing for ever: the ledger is folded into the tree pages and pruned by age, and
 * tombstones are collected by age, floor first [W4]. Ages are measured by the archive's clock.
 */
export class Maintenance {
  readonly #ports: MaintenancePorts
  #cancelTimer: CancelTimer | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(ports: MaintenancePorts) {
    this.#ports = ports
  }

  start(): void {
    this.#schedule()
  }

  /** Waits for a round that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await this.#running
  }

  /** One round, now. @throws TierUnavailable when the archive does not answer */
  async run(): Promise<{ folded: number; pruned: number; collected: number }> {
    const { archive, clock, observer, ledgerAgeMs, tombstoneAgeMs, rememberPosition } = this.#ports
    await rememberPosition()
    const startedMs = clock.monotonicMs()
    const folded = await archive.foldTree()
    if (folded > 0) {
      const durationMs = clock.monotonicMs() - startedMs
      observer.merkle?.({ store: archive.backend, operation: 'fold', status: 'success', durationMs })
    }
    const { nowMs } = await archive.readHeads()
    const pruned = await archive.pruneLedger(nowMs - ledgerAgeMs)
    const collected = await archive.collectTombstones(nowMs - tombstoneAgeMs)
    return { folded, pruned, collected }
  }

  #schedule(): void {
    if (this.#isStopped) return
    this.#cancelTimer = this.#ports.clock.setBackgroundTimer(MAINTENANCE_INTERVAL_MS, () => {
      this.#running = this.run()
        .then(() => {})
        .catch((error: unknown) =>
          this.#ports.observer.fault?.({
            part: 'archive',
            what: 'maintenance failed and will be tried again',
            error,
          }),
        )
        .finally(() => this.#schedule())
    })
  }
}
