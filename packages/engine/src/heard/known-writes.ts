import { compareStamps, type Stamp } from '@se/core'

/** The newest write of an id that this process has committed or heard of. */
export interface KnownWrite {
  readonly stamp: Stamp
  /** Whether it left a value; `undefined`: nothing but its stamp is known. */
  readonly isLive: boolean | undefined
  /** The filter has heard of it too, so what the filter says of the id is as new. */
  readonly isInFilter: boolean
}

interface Entry extends KnownWrite {
  /** Polls that had been sent when the write became known. */
  readonly round: number
}

/**
 * What this process knows of single ids and the tiers below need not know yet: own batches that were committed, writes
 * that the ledger told of, what the archive itself has answered. While an entry stands here, nothing older is taken
 * from the cache, and the filter may not deny an id that it has not heard of [R2, P56, P85].
 *
 * An entry goes when filter and cache are known to stand at it. A poll that was sent after the write became known is
 * answered with heads that include it, as they are read from the same archive. So the entries of before poll n may go once
 * the views have been brought to the heads of poll n. A stripe of the cache that was not brought there is not asked.
 */
export class KnownWrites {
  readonly #entries = new Map<string, Entry>()
  /** Ids by the round in which they became known, oldest first. */
  readonly #rounds: { readonly round: number; readonly ids: string[] }[] = []
  #round = 0
  #droppedBefore = 0

  /** Polls sent so far. */
  get round(): number {
    return this.#round
  }

  /** Entries of rounds below have been dropped: what is asked instead must stand at the heads of this round, or beyond. */
  get droppedBefore(): number {
    return this.#droppedBefore
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): KnownWrite | undefined {
    return this.#entries.get(id)
  }

  /** A poll is being sent. @returns its round */
  pollSent(): number {
    return ++this.#round
  }

  /** A write became known. An older one than the one that stands here is passed over; of the same one the better knowledge is kept. */
  note(id: string, stamp: Stamp, isLive: boolean | undefined, isInFilter: boolean): void {
    const before = this.#entries.get(id)
    const order = before === undefined ? 1 : compareStamps(stamp, before.stamp)
    if (order < 0) return
    if (before !== undefined && order === 0) {
      const better = { isLive: isLive ?? before.isLive, isInFilter: isInFilter || before.isInFilter }
      this.#entries.set(id, { ...before, ...better })
      return
    }
    this.#entries.set(id, { stamp, isLive, isInFilter, round: this.#round })
    const newest = this.#rounds.at(-1)
    if (newest?.round === this.#round) newest.ids.push(id)
    else this.#rounds.push({ round: this.#round, ids: [id] })
  }

  /** Rows of the ledger were missed: of each id there may be something newer. What is known of it is only what nothing may be older than. */
  doubt(): void {
    for (const [id, entry] of this.#entries) this.#entries.set(id, { ...entry, isLive: undefined })
  }

  /** The archive has gone back: what was known of it is not there any more. */
  clear(): void {
    this.#entries.clear()
    this.#rounds.length = 0
  }

  /** Filter and cache have been brought to the heads of a poll: forgets what became known before it was sent. */
  dropBefore(round: number): void {
    this.#droppedBefore = Math.max(this.#droppedBefore, round)
    while (this.#rounds[0] !== undefined && this.#rounds[0].round < round) {
      const dropped = this.#rounds.shift()!
      // Something newer of the id may have become known since; that entry stays.
      for (const id of dropped.ids)
        if (this.#entries.get(id)?.round === dropped.round) this.#entries.delete(id)
    }
  }
}
