import { isNewer, type Stamp } from '@se/core'

/** What this process knows of an id from a batch of its own. */
export interface OverlayEntry {
  /** Of the newest write known. */
  readonly stamp: Stamp
  /** `undefined`: somebody else's write won, of which nothing but the stamp is known. */
  readonly isLive: boolean | undefined
  /** Own ledger sequence of the batch. */
  readonly sequence: number
}

/**
 * Own batches that are committed but beyond the cut of the views: in no filter yet, and perhaps not in the
 * cache. Between leaving the pending set and reaching the views an id would otherwise be in neither, and a
 * trusted filter would deny it [P56].
 *
 * The same holds for an id whose own write lost: what won may not have reached the views yet. Whatever cut includes
 * our batch includes it too, as cuts are closed under dependence.
 */
export class Overlay {
  readonly #entries = new Map<string, OverlayEntry>()
  readonly #batches: { sequence: number; ids: readonly string[] }[] = []
  #droppedThrough = 0

  /** Own sequences up to here have been dropped: whoever is asked instead must stand at or beyond it. */
  get droppedThrough(): number {
    return this.#droppedThrough
  }

  /** Own sequence of the newest batch in it; 0 when it is empty. */
  get newestSequence(): number {
    return this.#batches.at(-1)?.sequence ?? 0
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): OverlayEntry | undefined {
    return this.#entries.get(id)
  }

  /** @param sequence above all before: batches commit one at a time */
  add(
    sequence: number,
    changes: readonly (Omit<OverlayEntry, 'sequence'> & { readonly id: string })[],
  ): void {
    for (const { id, stamp, isLive } of changes) this.#entries.set(id, { stamp, isLive, sequence })
    this.#batches.push({ sequence, ids: changes.map(({ id }) => id) })
  }

  /** The views have heard of a write of the id: where it is newer than ours, we no longer know what is there. */
  hear(id: string, stamp: Stamp): void {
    const own = this.#entries.get(id)
    if (own !== undefined && isNewer(stamp, own.stamp)) {
      this.#entries.set(id, { stamp, isLive: undefined, sequence: own.sequence })
    }
  }

  /** The archive has gone back: what was committed is not there any more. */
  clear(): void {
    this.#entries.clear()
    this.#batches.length = 0
  }

  /** Forgets the batches up to an own sequence that all views have reached. */
  dropThrough(sequence: number): void {
    this.#droppedThrough = Math.max(this.#droppedThrough, sequence)
    while (this.#batches[0] !== undefined && this.#batches[0].sequence <= sequence) {
      const batch = this.#batches.shift()!
      // A later batch may have the id again; its entry stays.
      for (const id of batch.ids)
        if (this.#entries.get(id)?.sequence === batch.sequence) this.#entries.delete(id)
    }
  }
}
