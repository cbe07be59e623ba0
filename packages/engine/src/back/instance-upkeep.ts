import { TierUnavailable, type RetirementRequest } from '@se/core'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { Upkeep } from '../seam/messages.ts'
import type { Telemetry } from '../telemetry.ts'
import type { OwnLedger } from './own-ledger.ts'

/** Most instances that one row of the ledger takes out. */
const INSTANCES_MAX = 1_000

export interface InstanceUpkeepPorts {
  readonly archive: Pick<
    GuardedArchive,
    | 'isRetirementRunning'
    | 'backend'
    | 'foldTree'
    | 'pruneLedger'
    | 'collectTombstones'
    | 'retireInstances'
    | 'readHeads'
    | 'touchInstance'
    | 'endInstance'
  >
  readonly ledger: OwnLedger
  readonly telemetry: Telemetry
}

/** What this instance does for the archive as a whole, and for its own place in it. What the archive has no power for is left out. */
export class InstanceUpkeep {
  readonly #ports: InstanceUpkeepPorts

  constructor(ports: InstanceUpkeepPorts) {
    this.#ports = ports
  }

  /** Folds the ledger into the tree pages, prunes it by age, and collects tombstones by age. @throws TierUnavailable, InstanceFenced */
  async run(ages: { readonly ledgerAgeMs: number; readonly tombstoneAgeMs: number }): Promise<Upkeep> {
    const { archive, ledger, telemetry } = this.#ports
    const { clock, observer } = telemetry
    // First of all: an instance that is not seen for long is taken for dead.
    await archive.touchInstance(ledger.claim)
    const startedMs = clock.monotonicMs()
    const folded = await archive.foldTree()
    if (folded > 0) {
      const durationMs = clock.monotonicMs() - startedMs
      observer.merkle?.({ store: archive.backend, operation: 'fold', status: 'success', durationMs })
    }
    const { nowMs } = await archive.readHeads()
    const pruned = (await archive.pruneLedger?.(nowMs - ages.ledgerAgeMs)) ?? 0
    const collected = (await archive.collectTombstones?.(nowMs - ages.tombstoneAgeMs)) ?? 0
    return { folded, pruned, collected, nowMs }
  }

  /**
   * Takes instances out that have ended or are dead, as a row of the own ledger [P80, P94].
   *
   * @param deadBeforeMs of the archive's clock
   * @returns how many were taken out; 0 where the archive keeps all
   * @throws TierUnavailable when it is not known whether they are out; then {@link settleRetirement} comes before any other row
   */
  async retire(deadBeforeMs: number): Promise<number> {
    const { archive, ledger } = this.#ports
    if (archive.retireInstances === undefined) return 0
    const { claim, next } = ledger
    const request: RetirementRequest = { claim, ...next, deadBeforeMs, instancesMax: INSTANCES_MAX }
    const retired = await archive.retireInstances(request)
    if (retired.length > 0) ledger.confirm()
    return retired.length
  }

  /** Finds out what became of a {@link retire} that failed. @throws TierUnavailable while the archive cannot say */
  async settleRetirement(): Promise<void> {
    const { archive, ledger } = this.#ports
    if (archive.isRetirementRunning) {
      throw new TierUnavailable('a retirement that was given up is still under way')
    }
    if (await ledger.isNextIn()) ledger.confirm()
    else ledger.redraw()
  }

  /** Nothing will be sent any more: any process may take the instance out [P80]. */
  async endInstance(): Promise<void> {
    await this.#ports.archive.endInstance(this.#ports.ledger.claim)
  }
}
