import { INSPECT, inspectAs, type Inspector } from '@se/core'
import { SnapshotInterrupted } from './errors.ts'
import type { KeyHash } from './key-hash.ts'
import type { Membership } from './membership.ts'
import { seedKeys } from './placement.ts'
import {
  checkMeta,
  encodeSnapshot,
  joinPieces,
  snapshotLength,
  type SlotSource,
  type SnapshotHeader,
  type StashEntry,
} from './snapshot.ts'

/** Parts that both kinds of filter have. */
export interface KeyedFilterParts {
  readonly falsePositiveRate: number
  readonly seed: number
  readonly keyHash: KeyHash
  readonly membership: Membership
}

/** The state of a filter as its snapshot needs it. */
export interface SnapshotState {
  readonly shape: Omit<
    SnapshotHeader,
    'seed' | 'count' | 'sum' | 'metaBytes' | 'hashProbe' | 'falsePositiveRate'
  >
  readonly slots: SlotSource
  readonly stash: Iterable<StashEntry>
}

/** What both kinds of filter have in common: string forms, count and sum, snapshots. */
export abstract class KeyedFilter {
  /** The rate promised at creation. */
  readonly falsePositiveRate: number
  protected readonly seed: number
  protected readonly tagKey: number
  protected readonly baseKey: number
  protected readonly keyHash: KeyHash
  protected readonly membership: Membership
  /** Raised by every change, so that a snapshot in progress notices. */
  protected revision = 0

  protected constructor(parts: KeyedFilterParts) {
    this.falsePositiveRate = parts.falsePositiveRate
    this.seed = parts.seed
    const { tagKey, baseKey } = seedKeys(parts.seed)
    this.tagKey = tagKey
    this.baseKey = baseKey
    this.keyHash = parts.keyHash
    this.membership = parts.membership
  }

  /** Number of keys: adds less successful deletes. Equals a digest tree's count. */
  get count(): number {
    return this.membership.count
  }

  /** Sum modulo 2^64 of the 64-bit hashes that were added, less those deleted; u64. Equals a digest tree's membership. */
  get sum(): bigint {
    return this.membership.sum
  }

  /** Share of slots in use, 0 … 1. */
  abstract get loadFactor(): number

  /** Bytes of the slots. */
  abstract get byteLength(): number

  /** Expected share of absent keys that are answered "present" now, if all keys are different. */
  abstract estimateFalsePositiveRate(): number

  /** @returns false: certainly absent; true: present, or a false positive */
  has(key: string): boolean {
    const words = this.keyHash.of(key)
    return this.hasHash(words[0]!, words[1]!)
  }

  /**
   * Removes one copy of a key that was added.
   *
   * Deleting a key that was never added is a mistake of the caller that the filter cannot always see: where the key is a
   * false positive, a copy of another key goes. The sum then differs from a tree's, which is how it is found.
   *
   * @returns whether a copy was removed; false means that the key was certainly not there
   */
  delete(key: string): boolean {
    const words = this.keyHash.of(key)
    return this.deleteHash(words[0]!, words[1]!)
  }

  /**
   * As {@link has}, for a hash made elsewhere.
   *
   * @param h1 first word of the hash (u32 or i32), evenly distributed
   * @param h2 second word
   */
  abstract hasHash(h1: number, h2: number): boolean

  /** As {@link delete}, for a hash made elsewhere. */
  abstract deleteHash(h1: number, h2: number): boolean

  /**
   * The whole filter as bytes; drawn in docs/formats/filter-snapshot.md.
   *
   * @param meta anything the caller wants back with it, at most 1 MiB
   * @throws InvalidInput when the meta block is too long
   */
  toSnapshot(meta: Uint8Array = new Uint8Array(0)): Uint8Array {
    checkMeta(meta)
    return joinPieces(this.snapshotPieces(meta), snapshotLength(this.#header(this.snapshotState(), meta)))
  }

  /**
   * The same bytes in pieces of some 64 KiB, for large filters.
   *
   * @throws SnapshotInterrupted from the iterator, when the filter was changed since the first piece
   */
  *snapshotPieces(meta: Uint8Array = new Uint8Array(0)): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    checkMeta(meta)
    const { revision } = this
    const state = this.snapshotState()
    for (const piece of encodeSnapshot(this.#header(state, meta), meta, state.slots, state.stash)) {
      if (this.revision !== revision) {
        throw new SnapshotInterrupted('the filter was changed while a snapshot of it was being read')
      }
      yield piece
    }
  }

  /** Its figures. The sum is text, in decimal digits: JSON has no integers of 64 bits. */
  toJSON(): Record<string, unknown> {
    return {
      count: this.count,
      sum: String(this.sum),
      byteLength: this.byteLength,
      loadFactor: this.loadFactor,
      falsePositiveRate: this.falsePositiveRate,
      estimatedFalsePositiveRate: this.estimateFalsePositiveRate(),
      seed: this.seed,
    }
  }

  [INSPECT](depth: number | null, options: object, inspector: Inspector): string {
    return inspectAs(this.shownName, { ...this.toJSON(), sum: this.sum }, depth, options, inspector)
  }

  protected abstract get shownName(): string

  protected abstract snapshotState(): SnapshotState

  #header({ shape }: SnapshotState, meta: Uint8Array): SnapshotHeader {
    return {
      ...shape,
      seed: this.seed,
      count: this.membership.count,
      sum: this.membership.sum,
      metaBytes: meta.length,
      hashProbe: this.keyHash.probe(),
      falsePositiveRate: this.falsePositiveRate,
    }
  }
}
