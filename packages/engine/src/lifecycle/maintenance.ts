import { InstanceFenced, type CancelTimer, type Clock } from '@se/core'
import type { EngineObserver } from '../observer/observer.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { Upkeep } from '../seam/messages.ts'

export interface MaintenancePorts {
  readonly back: Pick<BackClient, 'ask'>
  /** Takes instances out that have ended, or were not seen since a moment of the archive's clock. @returns how many */
  readonly retireInstances: (deadBeforeMs: number) => Promise<number>
  readonly clock: Clock
  readonly observer: EngineObserver
  readonly ledgerAgeMs: number
  readonly tombstoneAgeMs: number
  readonly onFenced: (error: InstanceFenced) => void
  /** Notes in the log directory how far the own ledger has come [P65]. */
  readonly rememberPosition: () => Promise<void>
}

/** Pause between two rounds, ms. */
export const MAINTENANCE_INTERVAL_MS = 30_000

/** An instance that was not seen for so long is dead, ms; for longer where the ledger is kept for longer. */
export const DEAD_AFTER_MS = 86_400_000

/** What one round did. */
export interface MaintenanceReport extends Omit<Upkeep, 'nowMs'> {
  /** Instances taken out. */
  readonly retired: number
}

/**
 * What keeps the archive from growing for ever: the ledger is folded into the tree pages and pruned by age, tombstones are
 * collected by age, floor first [W4], and instances that have ended or are dead are taken out [P80]. Ages are measured by
 * the archive's clock. What the archive has no power for is left out.
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
  async run(): Promise<MaintenanceReport> {
    const { back, ledgerAgeMs, tombstoneAgeMs } = this.#ports
    await this.#ports.rememberPosition()
    const { nowMs, ...done } = await back.ask('upkeep', { ledgerAgeMs, tombstoneAgeMs })
    const retired = await this.#ports.retireInstances(nowMs - Math.max(ledgerAgeMs, DEAD_AFTER_MS))
    return { ...done, retired }
  }

  #schedule(): void {
    if (this.#isStopped) return
    this.#cancelTimer = this.#ports.clock.setBackgroundTimer(MAINTENANCE_INTERVAL_MS, () => {
      this.#running = this.run()
        .then(() => {})
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#schedule())
    })
  }

  #failed(error: unknown): void {
    const { onFenced, observer } = this.#ports
    // Retired while it slept, or taken over: nothing of it will be accepted any more.
    if (error instanceof InstanceFenced) onFenced(error)
    else observer.fault?.({ part: 'archive', what: 'maintenance failed and will be tried again', error })
  }
}
