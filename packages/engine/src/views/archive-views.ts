import {
  batchesBehind,
  CorruptData,
  equalCuts,
  formatCut,
  type ArchiveTier,
  type BranchSet,
  type Cut,
  type LedgerTail,
} from '@se/core'
import { DigestTree } from '@se/merkle'
import type { EngineObserver } from '../observer.ts'
import type { FilterView } from './filter-view.ts'
import { netChanges, rowsBetween, type NetChange } from './net.ts'
import { NEVER_COMPARED, nextTrust, type Trust } from './trust.ts'

export interface ArchiveViewsPorts {
  readonly archive: Pick<ArchiveTier, 'backend' | 'readTail' | 'readTree' | 'scanIds'>
  readonly branches: BranchSet
  readonly filter: FilterView
  readonly observer: EngineObserver
  /** Told of every change before the views stand at it: floors are raised, older L1 entries dropped. */
  readonly hear: (changes: Iterable<NetChange>) => void
  /**
   * The views start over at another cut, and of what lies between nothing was heard: nothing that was derived from
   * earlier rows may be kept.
   */
  readonly missed: (because: LedgerGap | undefined) => void
}

type LedgerGap = (LedgerTail & { kind: 'gap' })['because']

/** How the filter came to stand at the tree's cut. */
export type FilterRestore =
  | { readonly how: 'snapshot'; readonly caughtUpBatches: number }
  | { readonly how: 'rebuilt'; readonly because: string }

/**
 * Tree and filter in memory, both at one cut of the archive, moved along by the ledger.
 *
 * A step reads heads and tail in one snapshot and applies it in one go, so the two never stand at different
 * cuts and nobody sees half a step. Steps run one at a time.
 */
export class ArchiveViews {
  readonly #ports: ArchiveViewsPorts
  #tree: DigestTree
  #cut: Cut
  #treeTrust: Trust = NEVER_COMPARED
  /** The last step asked for; the next one starts after it. */
  #last: Promise<unknown> = Promise.resolve()
  /** A rebuild that was begun and not finished: the filter is of no use before another one. */
  #mustRebuild = false
  /** A catch-up that has not begun yet: whoever asks now is served by it. */
  #waiting: Promise<Cut> | undefined

  constructor(ports: ArchiveViewsPorts, archiveId: string) {
    this.#ports = ports
    this.#tree = new DigestTree(ports.branches)
    this.#cut = { archiveId, positions: new Map() }
  }

  get cut(): Cut {
    return this.#cut
  }

  /** At `cut`. Do not keep it across an await: it moves. */
  get tree(): DigestTree {
    return this.#tree
  }

  get treeTrust(): Trust {
    return this.#treeTrust
  }

  /** Whether there is anything to do to stand at the given heads, with a filter that may be compared. */
  isBehind(heads: Cut): boolean {
    return this.#mustRebuild || !equalCuts(heads, this.#cut)
  }

  /** Ledger rows between the views and the given heads. */
  lagBatches(heads: Cut): number {
    return batchesBehind(this.#cut, heads)
  }

  /** Takes pages and tail of one snapshot. What the filter and the cache are compared with comes from here. */
  loadTree(): Promise<void> {
    return this.#exclusively(() => this.#loadTree())
  }

  /**
   * Brings the filter to the heads: from a snapshot and what has happened since, or from the ids. Call after
   * {@link loadTree}.
   */
  restoreFilter(snapshot: Uint8Array | undefined): Promise<FilterRestore> {
    return this.#exclusively(async () => {
      const because = await this.#refusalOfSnapshot(snapshot)
      if (typeof because === 'number') return { how: 'snapshot', caughtUpBatches: because }
      await this.#rebuildFilter()
      return { how: 'rebuilt', because }
    })
  }

  /** Starts the filter over from the ids of one snapshot of the archive, and compares. */
  rebuildFilter(): Promise<Trust> {
    return this.#exclusively(() => this.#rebuildFilter())
  }

  /**
   * Stands at the heads of a moment after the call. Calls that meet share a step, but never one that had begun
   * before them.
   *
   * @returns the cut reached
   */
  catchUp(): Promise<Cut> {
    this.#waiting ??= this.#exclusively(() => {
      this.#waiting = undefined
      return this.#catchUp()
    })
    return this.#waiting
  }

  /** The archive has lost what it had: nothing that is known of it may be kept. */
  startOver(): Promise<void> {
    return this.#exclusively(() => this.#startOver('ahead-of-heads'))
  }

  /** Takes trust from the tree, and with it from the filter, whose proof the tree is. */
  distrust(because: string): void {
    this.#treeTrust = nextTrust({ kind: 'lost', because })
    this.#ports.observer.trust?.({ view: 'tree', isTrusted: false, because })
    this.#ports.filter.lose(`the tree is untrusted: ${because}`)
  }

  /** The tree was compared with what the rows give, and equals it: gives trust back, to the tree and to the filter that equals it. */
  vouch(because: string): void {
    if (this.#treeTrust.isTrusted) return
    this.#treeTrust = nextTrust({ kind: 'compared', isEqual: true, detail: because })
    this.#ports.observer.trust?.({ view: 'tree', isTrusted: true, because, cut: formatCut(this.#cut) })
    if (!this.#mustRebuild) this.#compareFilter()
  }

  #exclusively<T>(step: () => Promise<T>): Promise<T> {
    const run = this.#last.then(step, step)
    this.#last = run
    return run
  }

  async #loadTree(because?: LedgerGap): Promise<void> {
    const { archive, branches, observer } = this.#ports
    const startedMs = performance.now()
    const stored = await archive.readTree()
    if (stored.tail.kind === 'gap') {
      throw new CorruptData(`the tree pages cannot be brought to the heads: ${stored.tail.because}`)
    }
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of stored.pages) tree.setPage(branch, page, bytes)
    for (const row of stored.tail.rows) tree.apply(row.entries)
    // In the same turn as the cut moves: what is loaded from now on is at least as new [P63].
    this.#ports.missed(because)
    this.#tree = tree
    this.#cut = stored.tail.heads.cut
    this.#treeTrust = { isTrusted: true }
    const durationMs = performance.now() - startedMs
    observer.merkle?.({ store: archive.backend, operation: 'load', status: 'success', durationMs })
    observer.trust?.({
      view: 'tree',
      isTrusted: true,
      because: 'pages and tail read in one snapshot',
      cut: formatCut(this.#cut),
    })
  }

  /** @returns how many batches the snapshot lacked, or why it was of no use */
  async #refusalOfSnapshot(snapshot: Uint8Array | undefined): Promise<number | string> {
    const { archive, filter } = this.#ports
    if (snapshot === undefined) return 'no snapshot'
    const taken = filter.takeSnapshot(snapshot)
    if ('refusal' in taken) return taken.refusal
    const tail = await archive.readTail(taken.cut)
    if (tail.kind === 'gap') return tail.because
    filter.apply(netChanges(tail.rows).values())
    // The snapshot is older than the tree, so its tail holds all the tree lacks.
    this.#moveTree(tail)
    const trust = this.#compareFilter()
    return trust.isTrusted ? tail.rows.length : trust.because
  }

  async #rebuildFilter(): Promise<Trust> {
    const { archive, filter } = this.#ports
    const chunks: (readonly string[])[] = []
    this.#mustRebuild = true
    const idsCut = await archive.scanIds((ids) => void chunks.push(ids))
    const tail = await archive.readTail(this.#cut)
    if (tail.kind === 'gap') {
      filter.lose(`gap: ${tail.because}`)
      return filter.trust
    }
    filter.replaceBy(flatten(chunks))
    filter.apply(netChanges(rowsBetween(tail.rows, idsCut)).values())
    this.#mustRebuild = false
    this.#moveTree(tail)
    return this.#compareFilter()
  }

  async #catchUp(): Promise<Cut> {
    const { archive, filter } = this.#ports
    const tail = await archive.readTail(this.#cut)
    if (tail.kind === 'gap') {
      await this.#startOver(tail.because)
      return this.#cut
    }
    if (this.#mustRebuild) {
      await this.#rebuildFilter()
      return this.#cut
    }
    const wasEqual = filter.trust.isTrusted
    filter.apply(netChanges(tail.rows).values())
    this.#moveTree(tail)
    if (wasEqual || tail.rows.length > 0) this.#compareFilter()
    return this.#cut
  }

  /** Missed something for good: from the archive's own pages and ids. */
  async #startOver(because: LedgerGap): Promise<void> {
    this.#ports.filter.lose(`gap: ${because}`)
    this.#mustRebuild = true
    await this.#loadTree(because)
    await this.#rebuildFilter()
  }

  /** Applies what of the tail the tree has not seen; afterwards the views stand at the tail's heads. */
  #moveTree(tail: LedgerTail & { kind: 'rows' }): void {
    const rows = rowsBetween(tail.rows, this.#cut)
    this.#ports.hear(netChanges(rows).values())
    for (const row of rows) this.#tree.apply(row.entries)
    this.#cut = tail.heads.cut
  }

  #compareFilter(): Trust {
    if (!this.#treeTrust.isTrusted) return this.#ports.filter.trust
    return this.#ports.filter.compare(
      { count: this.#tree.count, membership: this.#tree.membership },
      formatCut(this.#cut),
    )
  }
}

function* flatten(chunks: readonly (readonly string[])[]): Generator<string> {
  for (const chunk of chunks) yield* chunk
}
