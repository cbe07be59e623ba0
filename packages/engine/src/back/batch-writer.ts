import { invariant, type CommittedBatch, type ItemWrite } from '@se/core'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import { errorKind } from '../observer/error-kind.ts'
import type { BatchFate } from '../seam/messages.ts'
import type { Telemetry } from '../telemetry.ts'
import type { CacheDelivery } from './cache-delivery.ts'
import type { OwnLedger } from './own-ledger.ts'

export interface BatchWriterPorts {
  readonly archive: Pick<GuardedArchive, 'putBatch' | 'isPutRunning'>
  readonly ledger: OwnLedger
  readonly delivery: CacheDelivery
  readonly telemetry: Telemetry
}

/** Writes batches to the archive, one transaction and one row of the own ledger each, and tells the cache what was stored. */
export class BatchWriter {
  readonly #ports: BatchWriterPorts

  constructor(ports: BatchWriterPorts) {
    this.#ports = ports
  }

  /** @throws what the archive throws; whether the writes are in may be unknown then, see {@link fate} */
  async write(writes: readonly ItemWrite[]): Promise<CommittedBatch> {
    const { archive, ledger, delivery, telemetry } = this.#ports
    const { clock, observer } = telemetry
    const right = await delivery.ask(writes)
    const startedMs = clock.monotonicMs()
    const { claim, next } = ledger
    let committed: CommittedBatch
    try {
      committed = await archive.putBatch({ claim, ...next, writes })
    } catch (error) {
      observer.failed?.({ tier: 'L3', operation: 'batch_write', kind: errorKind(error) })
      throw error
    }
    invariant(committed.sequence === next.sequence, 'the archive answers for the batch that was sent')
    ledger.confirm()
    const durationMs = clock.monotonicMs() - startedMs
    observer.operation?.({ tier: 'L3', operation: 'batch_write', status: 'success', durationMs })
    observer.batch?.({ tier: 'L3', items: writes.length, bytes: bytesOf(writes) })
    const stored = writes.filter((_, index) => isStored(committed, index))
    observer.written?.({ tier: 'L3', items: stored.length, bytes: bytesOf(stored) })
    delivery.deliver(right, writes, committed)
    return committed
  }

  /**
   * What became of the writes whose {@link write} failed.
   *
   * @throws TierUnavailable while the archive cannot say; InstanceFenced
   */
  async fate(): Promise<BatchFate> {
    const { archive, ledger } = this.#ports
    // Nothing else is sent beside it.
    if (archive.isPutRunning) return 'running'
    return (await ledger.isNextIn()) ? 'in' : 'out'
  }
}

function isStored({ outcomes }: CommittedBatch, index: number): boolean {
  const kind = outcomes[index]?.kind
  return kind === 'won' || kind === 'held'
}

function bytesOf(writes: readonly ItemWrite[]): number {
  return writes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
}
