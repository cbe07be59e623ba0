import type { ItemWrite, WriteOutcome } from '@se/core'
import type { ParkCause } from '../observer/events.ts'

/**
 * What became of a write that was in flight. A `refused` of the archive is no answer here: such a write is
 * parked (and synced) first, so that it cannot be lost by forgetting [W6].
 */
export type SettledOutcome =
  | Exclude<WriteOutcome, { kind: 'refused' }>
  /** In the parking file, synced. */
  | { readonly kind: 'parked'; readonly because: ParkCause }
  /** An `archive`-level write that was never acknowledged and cannot be stored: only its caller hears of it. */
  | { readonly kind: 'rejected'; readonly error: Error }

/** It lost to a stamp from the future, and goes on as this write, stamped anew above it [P67]. */
export interface Restamped {
  readonly kind: 'restamped'
  readonly write: ItemWrite
  /** Of its record; `undefined`: it has none. */
  readonly logSequence: number | undefined
}

/** It failed alone, and it is not known yet whether it is to blame: it goes into a later batch [W9]. */
export interface SetBack {
  readonly kind: 'set-back'
}

/** What becomes of a write of a batch. */
export type BatchOutcome = SettledOutcome | Restamped | SetBack

/** A write on its way to the archive, with what its outcome depends on. */
export interface OutgoingWrite {
  readonly write: ItemWrite
  /** As `sizeOfWrite` counts. */
  readonly bytes: number
  /** Order of arrival among all writes; of several that were coalesced, of the first. */
  readonly order: number
  /** `Clock.monotonicMs` at which the first of them arrived. */
  readonly addedAtMs: number
  /** From the pending set: it is read already. Else from the commit queue: nothing is read before it is committed [W1]. */
  readonly isPending: boolean
  /** A caller was told that the write is safe: it must not be lost, and is parked where the archive refuses it [W6]. */
  readonly isAcknowledged: boolean
  /**
   * Something newer of the id was heard of since the write was submitted: it is not read, nor, once it is committed, the
   * newest [R2].
   */
  readonly isOvertaken: boolean
}

/** A batch. The object itself is its identity: the same one is sent again after a failure. */
export interface Batch {
  /** Unique ids; never changed. */
  readonly writes: readonly ItemWrite[]
  /** The same, each with its standing. */
  readonly outgoing: readonly OutgoingWrite[]
  /** As `sizeOfWrite` counts. */
  readonly bytes: number
  readonly oldestAddedAtMs: number
}

/** A write as it stands in the log. */
export interface LoggedWrite {
  readonly write: ItemWrite
  readonly logSequence: number
}
