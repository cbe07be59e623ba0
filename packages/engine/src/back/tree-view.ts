import { formatCut, type Cut, type LedgerRow } from '@se/core'
import type { DigestTree } from '@se/merkle'
import type { EngineObserver } from '../observer/observer.ts'
import type { Trust, TrustEvent } from '../seam/trust.ts'
import { ViewTrust } from '../seam/view-trust.ts'

/** The digest tree in memory as a view of the archive: what filter and cache are compared with. */
export class TreeView {
  readonly #trust: ViewTrust
  #tree: DigestTree

  /** @param empty a tree of the archive's branches */
  constructor(empty: DigestTree, observer: EngineObserver) {
    this.#tree = empty
    this.#trust = new ViewTrust('tree', observer)
  }

  /** At the follower's cut. Do not keep it across an await: it moves. */
  get tree(): DigestTree {
    return this.#tree
  }

  get trust(): Trust {
    return this.#trust.now
  }

  /** Starts over with the archive's own pages and tail, read in one snapshot: nothing is compared, this is the proof. */
  replaceBy(tree: DigestTree, cut: Cut): void {
    this.#tree = tree
    this.#change({ kind: 'compared', isEqual: true, detail: '' }, 'pages and tail read in one snapshot', cut)
  }

  advance(rows: readonly LedgerRow[]): void {
    for (const row of rows) this.#tree.apply(row.entries)
  }

  lose(because: string): void {
    this.#change({ kind: 'lost', because }, because)
  }

  /** The tree was compared with what the rows give, and equals it. */
  vouch(because: string, cut: Cut): void {
    this.#change({ kind: 'compared', isEqual: true, detail: because }, because, cut)
  }

  #change(event: TrustEvent, proof: string, cut?: Cut): void {
    this.#trust.change(event)
    this.#trust.report(proof, cut && formatCut(cut))
  }
}
