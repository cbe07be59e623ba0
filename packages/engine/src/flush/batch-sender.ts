import { invariant, type CommittedBatch, type ItemWrite, type Position } from '@se/core'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import { errorKind } from '../observer.ts'
import type { Telemetry } from '../telemetry.ts'
import type { CacheDelivery } from './cache-delivery.ts'
import type { FlushTally } from './flush-tally.ts'
import type { OwnLedger } from './own-ledger.ts'

export interface BatchSenderPorts {
  readonly archive: Pick<GuardedArchive, 'putBatch' | 'isPutRunning'>
  readonly ledger: OwnLedger
  readonly delivery: CacheDelivery
  readonly tally: Pick<FlushTally, 'add'>
  readonly telemetry: Telemetry
}

/** Sends writes to the archive, one transaction and one row of the own ledger each time, and tells the cache what was stored. */
export class BatchSender {
  readonly #ports: BatchSenderPorts

  constructor(ports: BatchSenderPorts) {
    this.#ports = ports
  }

  /** Where the own ledger stands: the last row committed. */
  get position(): Position {
    return this.#ports.ledger.position
  }

  /** @throws what the archive throws; whether the writes are in may be unknown then, see {@link isIn} */
  async send(writes: readonly ItemWrite[]): Promise<CommittedBatch> {
    const { archive, ledger, delivery, tally, telemetry } = this.#ports
    const { clock, observer } = telemetry
    const right = await delivery.ask(writes)
    const startedMs = clock.monotonicMs()
    const { claim, next } = ledger
    let receipt: CommittedBatch
    try {
      receipt = await archive.putBatch({ claim, ...next, writes })
    } catch (error) {
      observer.failed?.({ tier: 'L3', operation: 'batch_write', kind: errorKind(error) })
      throw error
    }
    invariant(receipt.sequence === next.sequence, 'the archive answers for the batch that was sent')
    ledger.advance()
    const durationMs = clock.monotonicMs() - startedMs
    observer.operation?.({ tier: 'L3', operation: 'batch_write', status: 'success', durationMs })
    observer.batch?.({ tier: 'L3', items: writes.length, bytes: bytesOf(writes) })
    const stored = writes.filter((_, index) => isStored(receipt, index))
    observer.written?.({ tier: 'L3', items: stored.length, bytes: bytesOf(stored) })
    tally.add({ groups: 1, l3: stored.length })
    delivery.deliver(right, writes, receipt)
    return receipt
  }

  /**
   * What became of the writes whose {@link send} failed.
   *
   * @returns false: they are not in, and will not be
   * @throws `error` while it may still go through, or TierUnavailable while the archive cannot say; InstanceFenced
   */
  async isIn(error: unknown): Promise<boolean> {
    const { archive, ledger } = this.#ports
    // Nothing else is sent beside it.
    if (archive.isPutRunning) throw error
    return ledger.isNextIn()
  }

  /** The next ones to be sent are others: what was sent last is known to be out. */
  giveUp(): void {
    this.#ports.ledger.redraw()
  }

  /** Waits until the cache has been told of all that was stored so far; how it went is not told. */
  cacheSettled(): Promise<void> {
    return this.#ports.delivery.settled()
  }
}

function isStored({ outcomes }: CommittedBatch, index: number): boolean {
  const kind = outcomes[index]?.kind
  return kind === 'won' || kind === 'held'
}

function bytesOf(writes: readonly ItemWrite[]): number {
  return writes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
}
