import type { CommittedBatch, ItemWrite, Position } from '@se/core'
import type { BackClient } from '../seam/back-client.ts'
import type { FlushTally } from './flush-tally.ts'

export interface BatchSenderPorts {
  readonly back: Pick<BackClient, 'ask'>
  readonly tally: Pick<FlushTally, 'add'>
}

/** Sends writes to the archive, one batch at a time. */
export class BatchSender {
  readonly #ports: BatchSenderPorts
  #position: Position

  /** @param position where the own ledger stands at the start */
  constructor(ports: BatchSenderPorts, position: Position) {
    this.#ports = ports
    this.#position = position
  }

  /** Where the own ledger stands: the last row of which it was heard that it is committed. */
  get position(): Position {
    return this.#position
  }

  /** The own ledger has got another row. */
  committed(position: Position): void {
    this.#position = position
  }

  /** @throws what the archive throws; whether the writes are in may be unknown then, see {@link isIn} */
  async send(writes: readonly ItemWrite[]): Promise<CommittedBatch> {
    const { back, tally } = this.#ports
    const committed = await back.ask('batch', { writes })
    const stored = committed.outcomes.reduce(
      (sum, { kind }) => sum + Number(kind === 'won' || kind === 'held'),
      0,
    )
    tally.add({ batches: 1, l3: stored })
    return committed
  }

  /**
   * What became of the writes whose {@link send} failed.
   *
   * @returns false: they are not in, and will not be
   * @throws `error` while it may still go through, or TierUnavailable while the archive cannot say; InstanceFenced
   */
  async isIn(error: unknown): Promise<boolean> {
    const fate = await this.#ports.back.ask('fate', {})
    if (fate === 'running') throw error
    return fate === 'in'
  }
}
