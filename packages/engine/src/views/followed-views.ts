import { batchesBehind, equalCuts, formatCut, invariant, type Cut } from '@se/core'
import type { Heard } from '../heard/heard.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { HeardRows, LedgerGap, StartedOver, ToFront, TreeReport } from '../seam/messages.ts'
import { NEVER_COMPARED, type Trust } from '../seam/trust.ts'
import type { FilterView } from './filter-view.ts'

export interface FollowedViewsPorts {
  readonly filter: FilterView
  /** Told of every change in the turn in which the cut moves, and of rows that were missed for good. */
  readonly heard: Pick<Heard, 'hear' | 'missed'>
}

/** How the filter came to stand at the cut. */
export type FilterRestore =
  | { readonly how: 'snapshot'; readonly caughtUpBatches: number }
  | { readonly how: 'rebuilt'; readonly because: string }

/**
 * Where the front stands in the ledger, as the back has told: the cut, what is said of the tree there, and the filter, which moves
 * along. Each message is applied in one turn, so no reader sees half of it.
 */
export class FollowedViews {
  readonly #ports: FollowedViewsPorts
  #cut: Cut
  #tree: TreeReport = { trust: NEVER_COMPARED, count: 0, membership: 0n }
  /** The filter stands at the cut, so it may be compared. Not one from a snapshot, nor while it is made anew. */
  #isFilterThere = false
  /** Of the filter that is being made. */
  #ids: (readonly string[])[] = []

  constructor(ports: FollowedViewsPorts, archiveId: string) {
    this.#ports = ports
    this.#cut = { archiveId, positions: new Map() }
  }

  get cut(): Cut {
    return this.#cut
  }

  /** The tree at {@link cut}. */
  get tree(): TreeReport {
    return this.#tree
  }

  get treeTrust(): Trust {
    return this.#tree.trust
  }

  /** Ledger rows between the cut and the given heads. */
  lagBatches(heads: Cut): number {
    return batchesBehind(this.#cut, heads)
  }

  /** Brings the filter to the cut: from a snapshot and what has happened since, or from the ids. Call after the tree was loaded. */
  async restoreFilter(
    back: Pick<BackClient, 'ask'>,
    snapshot: Uint8Array | undefined,
  ): Promise<FilterRestore> {
    const because = await this.#refusalOfSnapshot(back, snapshot)
    if (typeof because === 'number') return { how: 'snapshot', caughtUpBatches: because }
    await back.ask('rebuild-filter', {})
    return { how: 'rebuilt', because }
  }

  /** @returns how many batches the snapshot lacked, or why it was of no use */
  async #refusalOfSnapshot(
    back: Pick<BackClient, 'ask'>,
    snapshot: Uint8Array | undefined,
  ): Promise<number | string> {
    const { filter } = this.#ports
    if (snapshot === undefined) return 'no snapshot'
    const taken = filter.takeSnapshot(snapshot)
    if ('refusal' in taken) return taken.refusal
    this.#isFilterThere = false
    const followed = await back.ask('follow-filter', { from: taken.cut })
    if ('because' in followed) return followed.because
    return filter.trust.isTrusted ? followed.batches : filter.trust.because
  }

  heard({ from, cut, changes, filter: way, tree }: HeardRows): void {
    const { filter, heard } = this.#ports
    invariant(equalCuts(from, this.#cut), 'each step begins where the one before has ended')
    const wasEqual = filter.trust.isTrusted
    if (way?.from === 'ids') filter.replaceBy(this.#takeIds())
    if (way !== undefined) this.#isFilterThere = true
    if (this.#isFilterThere) filter.advance(way?.changes ?? changes)
    for (const { id, stamp, isLive } of changes) heard.hear({ id, stamp, isLive, isInFilter: true }, 'ledger')
    this.#cut = cut
    this.#tree = tree
    if (way !== undefined || wasEqual || changes.length > 0) this.#compareFilter()
  }

  startedOver({ wentBack, cut, tree }: StartedOver): void {
    this.#ports.heard.missed(wentBack ? 'wentBack' : 'gap')
    this.#isFilterThere = false
    this.#cut = cut
    this.#tree = tree
  }

  treeJudged({ tree }: ToFront & { readonly kind: 'tree-judged' }): void {
    this.#tree = tree
    if (tree.trust.isTrusted) this.#compareFilter()
    else this.#ports.filter.lose(`the tree is untrusted: ${tree.trust.because}`)
  }

  filterLost(because: LedgerGap): void {
    this.#isFilterThere = false
    this.#ports.filter.lose(`gap: ${because}`)
  }

  idsBegin(): void {
    this.#isFilterThere = false
    this.#ids = []
  }

  idsFound(ids: readonly string[]): void {
    this.#ids.push(ids)
  }

  idsDropped(): void {
    this.#ids = []
  }

  #takeIds(): Iterable<string> {
    const ids = this.#ids
    this.#ids = []
    return flatten(ids)
  }

  #compareFilter(): void {
    if (!this.#isFilterThere || !this.#tree.trust.isTrusted) return
    this.#ports.filter.compare(this.#tree, formatCut(this.#cut))
  }
}

function* flatten(chunks: readonly (readonly string[])[]): Generator<string> {
  for (const chunk of chunks) yield* chunk
}
