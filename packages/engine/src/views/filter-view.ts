import { decodeCut, encodeCut, StorageError, type Cut } from '@se/core'
import { CuckooFilter } from '@se/cuckoo'
import type { EngineObserver } from '../observer/observer.ts'
import type { NetChange } from '../seam/messages.ts'
import type { Trust, TrustEvent } from '../seam/trust.ts'
import { ViewTrust } from '../seam/view-trust.ts'

export interface FilterOptions {
  /** Ids the filter is made for; it grows beyond. */
  readonly capacity: number
  readonly falsePositiveRate: number
}

/** `5 ids, sum 0123…`: equal texts, equal memberships. */
export function membershipText({ count, membership }: Membership): string {
  return `${count} ids, sum ${membership.toString(16).padStart(16, '0')}`
}

/** Count and sum of id hashes: what the filter holds, and what the tree says it must hold. */
export interface Membership {
  readonly count: number
  readonly membership: bigint
}

/**
 * The cuckoo filter as a view of the archive: which ids have a value, at the cut of the views.
 *
 * R3: `denies` speaks only while trusted. The proof is (count, sum of id hashes) equal to the tree's
 * membership at the same cut; nothing else sets trust [P26, P27].
 */
export class FilterView {
  readonly #options: FilterOptions
  readonly #observer: EngineObserver
  readonly #trust: ViewTrust
  #filter: CuckooFilter

  constructor(options: FilterOptions, observer: EngineObserver) {
    this.#options = options
    this.#observer = observer
    this.#trust = new ViewTrust('filter', observer)
    this.#filter = CuckooFilter.create(options)
  }

  get trust(): Trust {
    return this.#trust.now
  }

  get entries(): number {
    return this.#filter.count
  }

  /** Count and sum of id hashes, as people compare them with the tree's. */
  get digest(): string {
    return membershipText({ count: this.#filter.count, membership: this.#filter.sum })
  }

  get load(): number {
    return this.#filter.loadFactor
  }

  get byteLength(): number {
    return this.#filter.byteLength
  }

  /** Whether the archive has no value for the id at the views' cut, for sure. Never true while untrusted. */
  denies(id: string): boolean {
    if (!this.#trust.now.isTrusted) {
      this.#observer.filterChecked?.({ result: 'untrusted' })
      return false
    }
    const isAbsent = !this.#filter.has(id)
    this.#observer.filterChecked?.({ result: isAbsent ? 'absent' : 'maybe' })
    return isAbsent
  }

  /** What the filter holds, trusted or not; for people. */
  holds(id: string): boolean {
    return this.#filter.has(id)
  }

  /** Keys that appeared first, then keys that vanished, so that a shared tag never dips to nothing between. */
  advance(changes: Iterable<NetChange>): void {
    const vanished: string[] = []
    for (const change of changes) {
      if (change.isLive && !change.wasLive) this.#filter.add(change.id)
      else if (change.wasLive && !change.isLive) vanished.push(change.id)
    }
    for (const id of vanished) this.#filter.delete(id)
  }

  /** The comparison that decides on trust; `tree` stands at the same cut. */
  compare(tree: Membership, cutText: string): Trust {
    const isEqual = this.#filter.count === tree.count && this.#filter.sum === tree.membership
    const detail = `filter holds ${this.#filter.count} ids, the tree ${tree.count}${
      this.#filter.count === tree.count ? ', with another sum of id hashes' : ''
    }`
    this.#change({ kind: 'compared', isEqual, detail }, cutText)
    return this.#trust.now
  }

  lose(because: string): void {
    this.#change({ kind: 'lost', because })
  }

  /** Starts over with the ids of one snapshot of the archive; compare before anything is believed. */
  replaceBy(ids: Iterable<string>): void {
    const filter = CuckooFilter.create(this.#options)
    for (const id of ids) filter.add(id)
    this.#filter = filter
    this.#trust.forget()
  }

  /** Bytes for the snapshot file, with the cut they are true for. */
  toSnapshot(cut: Cut): Uint8Array {
    return this.#filter.toSnapshot(new TextEncoder().encode(encodeCut(cut)))
  }

  /**
   * Takes a snapshot's content. Any damage means "rebuild", never "trust".
   *
   * @returns its cut, or why it was refused
   */
  takeSnapshot(bytes: Uint8Array): { readonly cut: Cut } | { readonly refusal: string } {
    try {
      const { filter, meta } = CuckooFilter.fromSnapshot(bytes)
      const cut = decodeCut(new TextDecoder().decode(meta))
      this.#filter = filter
      this.#trust.forget()
      return { cut }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return { refusal: error.message }
    }
  }

  /** Most comparisons change nothing: each batch that is heard ends in one. */
  #change(event: TrustEvent, cut?: string): void {
    if (this.#trust.change(event)) this.#trust.report('count and sum of id hashes equal the tree', cut)
  }
}
