import { compareStamps, equalStamps, invariant, isNewer, type Stamp, type StoredItem } from '@se/core'
import { KeptItem } from '../kept-item.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { EvictionQueue, type EvictionNode } from './eviction.ts'

/**
 * Bytes an entry is charged with beside its id and value: map slot, entry, item, stamp, array and its buffer.
 * Measured: 590 on Node 24.21 for 100 B values; a test keeps the charge above what the heap says. The parsed
 * value, which a JSON item has from its first `value` on, is not counted: about twice the text's length.
 */
export const ENTRY_OVERHEAD_BYTES = 640

export interface MemoryTierOptions {
  /** Bound of the tier, bytes; pinned entries count, but are never evicted for it. */
  readonly bytesMax: number
  readonly observer?: Pick<EngineObserver, 'evicted'>
}

export interface MemoryPutOptions {
  /** Not yet in L3: stays until unpinned, replaced or dropped [R6]. Default false. */
  readonly isPinned?: boolean
}

/** An entry, for people and tests; looking does not count as asking. */
export interface MemoryEntry {
  readonly item: KeptItem
  readonly isPinned: boolean
  /** What the entry is charged with. */
  readonly bytes: number
}

export interface MemoryStats {
  readonly items: number
  readonly bytes: number
  readonly pinnedItems: number
  readonly pinnedBytes: number
  readonly bytesMax: number
}

interface Entry extends EvictionNode<Entry> {
  item: KeptItem
  isPinned: boolean
  readonly bytes: number
}

/**
 * L1: the items this process used last, in this process' memory.
 *
 * It knows nothing of deletes: the caller drops what a delete removes, and the pending set knows that it was
 * deleted. It never replaces a newer write by an older one [W3]; that it is not given something older than
 * what it has *dropped* is the business of the load floors [R2].
 */
export class MemoryTier {
  readonly #entries = new Map<string, Entry>()
  readonly #clean = new EvictionQueue<Entry>()
  readonly #bytesMax: number
  readonly #observer: Pick<EngineObserver, 'evicted'>
  #bytes = 0
  #pinnedItems = 0
  #pinnedBytes = 0

  constructor(options: MemoryTierOptions) {
    this.#bytesMax = options.bytesMax
    this.#observer = options.observer ?? {}
  }

  get(id: string): KeptItem | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    entry.wasAsked = true
    return entry.item
  }

  /** Of everything that is kept; do not keep it across an await. */
  ids(): IterableIterator<string> {
    return this.#entries.keys()
  }

  /** The entry as it is. */
  peek(id: string): MemoryEntry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    const { item, isPinned, bytes } = entry
    return { item, isPinned, bytes }
  }

  /**
   * Keeps an item, unless a newer one is there or it is larger than the whole tier. The same write again keeps
   * the parsed value, and brings version and creation time where they were not known.
   *
   * @returns the newest item known here now: the given one, or the one that was newer
   */
  put(given: StoredItem, options: MemoryPutOptions = {}): KeptItem {
    const { isPinned = false } = options
    const resident = this.#entries.get(given.id)
    const order = resident === undefined ? 1 : compareStamps(given.stamp, resident.item.stamp)
    if (resident !== undefined && order < 0) return resident.item
    if (resident !== undefined && order === 0) {
      if (given.version !== undefined && resident.item.version === undefined) {
        resident.item = resident.item.accepted(given.version, given.createdAtMs)
      }
      // A copy that was loaded does not unpin: the pending set still has the write, and will say so.
      if (isPinned && !resident.isPinned) this.#pin(resident)
      return resident.item
    }

    if (resident !== undefined) this.#remove(resident)
    const item = new KeptItem(given, ownBytes(given.bytes))
    const bytes = chargedBytes(item)
    if (bytes > this.#bytesMax) return item
    const entry: Entry = {
      item,
      isPinned,
      bytes,
      wasAsked: false,
      newer: undefined,
      older: undefined,
    }
    this.#entries.set(item.id, entry)
    this.#bytes += bytes
    if (isPinned) {
      this.#pinnedItems += 1
      this.#pinnedBytes += bytes
    } else {
      this.#clean.add(entry)
    }
    this.#evictAbove()
    return item
  }

  /**
   * L3 holds this very write now: the entry may be evicted, and knows its version.
   *
   * @returns false when the entry is another write (or gone), which is left as it is
   */
  unpin(
    id: string,
    stamp: Stamp,
    accepted: { readonly version: number; readonly createdAtMs: number },
  ): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined || !equalStamps(entry.item.stamp, stamp)) return false
    entry.item = entry.item.accepted(accepted.version, accepted.createdAtMs)
    if (entry.isPinned) {
      entry.isPinned = false
      this.#pinnedItems -= 1
      this.#pinnedBytes -= entry.bytes
      this.#clean.add(entry)
      this.#evictAbove()
    }
    return true
  }

  /** Drops the entry, pinned or not, if its write is older than `stamp`. @returns whether it was */
  dropOlder(id: string, stamp: Stamp): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined || !isNewer(stamp, entry.item.stamp)) return false
    this.#remove(entry)
    return true
  }

  /** Drops the entry, pinned or not. @returns whether there was one */
  drop(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  /** Drops everything, pinned entries too: the pending set still has those. */
  clear(): void {
    this.#entries.clear()
    this.#clean.clear()
    this.#bytes = 0
    this.#pinnedItems = 0
    this.#pinnedBytes = 0
  }

  stats(): MemoryStats {
    return {
      items: this.#entries.size,
      bytes: this.#bytes,
      pinnedItems: this.#pinnedItems,
      pinnedBytes: this.#pinnedBytes,
      bytesMax: this.#bytesMax,
    }
  }

  #pin(entry: Entry): void {
    entry.isPinned = true
    this.#clean.remove(entry)
    this.#pinnedItems += 1
    this.#pinnedBytes += entry.bytes
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.item.id)
    this.#bytes -= entry.bytes
    if (entry.isPinned) {
      this.#pinnedItems -= 1
      this.#pinnedBytes -= entry.bytes
    } else {
      this.#clean.remove(entry)
    }
  }

  #evictAbove(): void {
    let count = 0
    while (this.#bytes > this.#bytesMax) {
      const entry = this.#clean.evict()
      if (entry === undefined) break
      this.#entries.delete(entry.item.id)
      this.#bytes -= entry.bytes
      count += 1
    }
    if (count > 0) this.#observer.evicted?.({ count })
    invariant(this.#pinnedBytes >= 0 && this.#bytes >= this.#pinnedBytes, 'the bytes of all entries add up', {
      bytes: this.#bytes,
      pinnedBytes: this.#pinnedBytes,
    })
  }
}

/** What an item costs: two bytes a UTF-16 unit of the id, the value, and the fixed overhead. */
function chargedBytes(item: StoredItem): number {
  return item.id.length * 2 + item.bytes.length + ENTRY_OVERHEAD_BYTES
}

/**
 * A driver's answer is often a window on a packet of megabytes, which would live as long as the item: such a
 * value is copied. Others are shared with the parts that have them: nothing outside the engine does.
 */
function ownBytes(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.buffer.byteLength > bytes.length * 2 ? new Uint8Array(bytes) : undefined
}
