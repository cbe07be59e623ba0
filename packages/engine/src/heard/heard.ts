import type { Stamp, StampClock } from '@se/core'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { KnownWrites } from './known-writes.ts'
import type { LoadFloors } from './load-floors.ts'

/** How a write became known to this process. */
export type HeardFrom =
  /** An own write that is acknowledged, and not yet in the archive. */
  | 'own-acknowledged'
  /** An own write that was committed: own writes of its id that bear an older stamp were made before it. */
  | 'own-commit'
  /** A ledger row. */
  | 'ledger'
  /** The archive's own answer, to a read or to a write that lost. */
  | 'archive-answer'

/** A write that became known. */
export interface HeardWrite {
  readonly id: string
  readonly stamp: Stamp
  /** Whether it left a value; `undefined`: not known. */
  readonly isLive: boolean | undefined
  /** The filter stands at it, or hears of it in the same turn. */
  readonly isInFilter?: boolean
}

export interface HeardPorts {
  readonly known: Pick<KnownWrites, 'note' | 'doubt' | 'clear'>
  readonly memory: Pick<MemoryTier, 'dropOlder' | 'clear'>
  /** Writes on their way to the archive. */
  readonly queue: {
    /** @returns how many writes were dropped */
    supersede(id: string, by: Stamp, spared?: Stamp): number
    readonly pending: { doubt(): void }
    readonly commits: { overtake(id: string, by: Stamp, spared?: Stamp): void; overtakeAll(): void }
  }
  /** Loads that run: what they bring may be older. */
  readonly loads: readonly Pick<LoadFloors, 'raise' | 'raiseAll'>[]
  /** Writes on their way through the log. */
  readonly writes: { overtake(id: string, by: Stamp, spared?: Stamp): void; doubt(): void }
  readonly stamps: Pick<StampClock, 'witness' | 'isFromFuture' | 'horizon'>
  /** Writes were dropped from the queue, as the archive holds something newer: their records may go. */
  readonly onDropped: () => void
}

/**
 * The one place that is told of every write this process acknowledges, commits or hears of, and tells each part that
 * might still answer with something older. What is told here cannot be forgotten by one part and remembered by
 * another [P84, P85]. The cache is no witness: what it answers is never told here [P86].
 */
export class Heard {
  readonly #ports: HeardPorts

  constructor(ports: HeardPorts) {
    this.#ports = ports
  }

  hear({ id, stamp, isLive, isInFilter = false }: HeardWrite, from: HeardFrom): void {
    const { known, memory, queue, loads, writes, stamps, onDropped } = this.#ports
    stamps.witness(stamp)
    for (const floors of loads) floors.raise(id, stamp)
    memory.dropOlder(id, stamp)
    if (from !== 'own-acknowledged') known.note(id, stamp, isLive, isInFilter)
    // An own write that loses to a stranger's stamp from the future is stamped anew above it, so it is not superseded and stays
    // visible; but one that bears such a stamp itself loses for good.
    const isSparing = (from === 'ledger' || from === 'archive-answer') && stamps.isFromFuture(stamp)
    const spared = isSparing ? stamps.horizon() : undefined
    writes.overtake(id, stamp, spared)
    queue.commits.overtake(id, stamp, spared)
    if (from !== 'own-acknowledged' && queue.supersede(id, stamp, spared) > 0) onDropped()
  }

  /**
   * Ledger rows were missed for good: what was read before may be outdated, and so may pending writes.
   *
   * @param because `wentBack`: the archive has lost rows that were heard of; what is known of them is not there any more
   */
  missed(because: 'gap' | 'wentBack'): void {
    const { known, writes, queue } = this.#ports
    this.dropDerived()
    writes.doubt()
    queue.pending.doubt()
    if (because === 'wentBack') known.clear()
    else known.doubt()
  }

  /** What was read or is being read may not be true. Pending writes stay: memory is only the quicker copy of them. */
  dropDerived(): void {
    const { memory, loads, queue } = this.#ports
    memory.clear()
    for (const floors of loads) floors.raiseAll()
    queue.commits.overtakeAll()
  }
}
