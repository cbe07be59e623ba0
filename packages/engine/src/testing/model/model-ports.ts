import type { Stamp } from '@se/core'

export interface ModelPorts {
  /** Monotonic time of the world, ms. */
  readonly nowMs: () => number
  /** Whether a write of this very stamp has been set aside by the process that made it. */
  readonly isSetAside: (id: string, stamps: readonly Stamp[], isMemoryLevel: boolean) => boolean
  /** Whether it was at a moment, and is not any more: it was sent again. */
  readonly wasSetAside: (id: string, stamps: readonly Stamp[], order: number) => boolean
  /** Whether a stamp may lie ahead of the archive's clock, as a process knows it. */
  readonly isFromFuture: (stamp: Stamp) => boolean
  /** Whether the archive's clock has jumped: then a later write may have an older stamp, until the archive has settled it. */
  readonly hasClockJumped: () => boolean
  /** Δ, ms. */
  readonly stalenessMs: number
  /** The only process: what it knows cannot go stale, so R5 does not bind it. */
  readonly isExclusive: boolean
  /** Also holds a process to what it has read before. */
  readonly isMonotonic: boolean
}
