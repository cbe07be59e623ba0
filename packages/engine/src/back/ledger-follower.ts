import {
  CorruptData,
  covers,
  equalCuts,
  invariant,
  SerialQueue,
  type ArchiveTier,
  type BranchSet,
  type Cut,
  type LedgerRow,
  type LedgerTail,
} from '@se/core'
import { DigestTree } from '@se/merkle'
import type { BackEnd } from '../seam/channel.ts'
import type { HeardRows, LedgerGap, NetChange, StartedOver, TreeReport } from '../seam/messages.ts'
import type { Trust } from '../seam/trust.ts'
import type { Telemetry } from '../telemetry.ts'
import { netChanges, rowsBetween } from './net.ts'
import type { TreeView } from './tree-view.ts'

export interface LedgerFollowerPorts {
  readonly archive: Pick<ArchiveTier, 'backend' | 'readTail' | 'readTree' | 'scanIds'>
  readonly branches: BranchSet
  readonly tree: TreeView
  /** Hears of every change, and of the cut, in the turn in which the tree stands there. */
  readonly front: Pick<BackEnd, 'send'>
  /** The archive has gone back, or is another one; told before the front is. */
  readonly wentBack: () => void
  readonly telemetry: Telemetry
}

/** Rows of the last step up to which they are kept for the cache, which mostly begins at the same cut. */
const ROWS_KEPT_MAX = 1_000

/** The rows of one read of the ledger. */
interface LedgerStep {
  readonly from: Cut
  readonly tail: LedgerTail & { kind: 'rows' }
}

/**
 * Follows the ledger, and moves what hangs on it, all at one cut of the archive: the tree here, heard writes and the filter in the
 * front.
 *
 * A step reads heads and tail in one snapshot and applies it in one go, and one message tells the front of it, so tree and
 * filter never stand at different cuts and no reader sees half a step. Steps run one at a time.
 */
export class LedgerFollower {
  readonly #ports: LedgerFollowerPorts
  #cut: Cut
  #lastStep: LedgerStep | undefined
  readonly #steps = new SerialQueue()
  /** The front's filter has been sent all it needs to stand at the cut. Not while a rebuild was begun and not finished. */
  #isFilterThere = false
  /** The front has failed while it took a step, and has not heard of it: as if the rows were missed for this reason. */
  #unannounced: LedgerGap | undefined
  /** A catch-up that has not begun yet: a caller that asks now is served by it. */
  #waiting: Promise<Cut> | undefined

  constructor(ports: LedgerFollowerPorts, archiveId: string) {
    this.#ports = ports
    this.#cut = { archiveId, positions: new Map() }
  }

  get cut(): Cut {
    return this.#cut
  }

  /** At {@link cut}. Do not keep it across an await: it moves. */
  get tree(): DigestTree {
    return this.#ports.tree.tree
  }

  get treeTrust(): Trust {
    return this.#ports.tree.trust
  }

  /** What the last step has read, where it began at this cut and reaches the given heads: it needs not be read again. */
  recentTail(from: Cut, heads: Cut): LedgerTail | undefined {
    const step = this.#lastStep
    if (step === undefined || !equalCuts(step.from, from)) return undefined
    return covers(step.tail.heads.cut, heads) ? step.tail : undefined
  }

  /** Whether there is anything to do to stand at the given heads, with a filter that may be compared. */
  isBehind(heads: Cut): boolean {
    return this.#unannounced !== undefined || !this.#isFilterThere || !equalCuts(heads, this.#cut)
  }

  /** Takes pages and tail of one snapshot. What the filter and the cache are compared with comes from here. */
  loadTree(): Promise<void> {
    return this.#steps.run(() => this.#loadTree())
  }

  /**
   * Sends the front what a filter lacks that stands at a cut. Call after {@link loadTree}, which no older cut than this may follow.
   *
   * @returns how many batches that were, or why they cannot be had
   */
  followFilter(from: Cut): Promise<{ readonly batches: number } | { readonly because: LedgerGap }> {
    return this.#steps.run(async () => {
      const tail = await this.#ports.archive.readTail(from)
      if (tail.kind === 'gap') return { because: tail.because }
      // The filter is older than the tree, so its tail holds all the tree lacks.
      this.#isFilterThere = true
      this.#advance(tail, { from: 'own-cut', changes: changesOf(tail.rows) })
      return { batches: tail.rows.length }
    })
  }

  /** Sends the front the ids of one snapshot of the archive, and what has happened since. */
  rebuildFilter(): Promise<void> {
    return this.#steps.run(() => this.#orStartOver(() => this.#rebuildFilter()))
  }

  /**
   * Stands at the heads of a moment after the call. Calls that meet share a step, but never one that had begun
   * before them.
   *
   * @returns the cut reached
   */
  catchUp(): Promise<Cut> {
    this.#waiting ??= this.#steps.run(async () => {
      this.#waiting = undefined
      await this.#orStartOver(() => this.#catchUp())
      return this.#cut
    })
    return this.#waiting
  }

  /** The archive has lost what it had: nothing that is known of it may be kept. */
  startOver(): Promise<void> {
    return this.#steps.run(() => this.#startOver('ahead-of-heads'))
  }

  /** Takes trust from the tree, and with it from the filter, whose proof the tree is. */
  distrust(because: string): void {
    this.#ports.tree.lose(because)
    this.#ports.front.send({ kind: 'tree-judged', tree: this.#treeReport() })
  }

  /** The tree was compared with what the rows give, and equals it: gives trust back, to the tree and to the filter that equals it. */
  vouch(because: string): void {
    if (this.treeTrust.isTrusted) return
    this.#ports.tree.vouch(because, this.#cut)
    this.#ports.front.send({ kind: 'tree-judged', tree: this.#treeReport() })
  }

  async #loadTree(because?: LedgerGap): Promise<void> {
    const { archive, branches, wentBack, telemetry } = this.#ports
    const startedMs = telemetry.clock.monotonicMs()
    const stored = await archive.readTree()
    if (stored.tail.kind === 'gap') {
      throw new CorruptData(`the tree pages cannot be brought to the heads: ${stored.tail.because}`)
    }
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of stored.pages) tree.setPage(branch, page, bytes)
    for (const row of stored.tail.rows) tree.apply(row.entries)
    this.#cut = stored.tail.heads.cut
    this.#lastStep = undefined
    this.#ports.tree.replaceBy(tree, this.#cut)
    const isBack = because !== undefined && because !== 'pruned'
    // First: what the cache has of a history that is no more seems to stand at the new cut, or beyond.
    if (isBack) wentBack()
    // In the same turn as the cut moves: what is loaded from now on is at least as new [P63].
    const started = { kind: 'started-over', wentBack: isBack, cut: this.#cut } as const
    this.#announce({ ...started, tree: this.#treeReport() }, because ?? 'pruned')
    const durationMs = telemetry.clock.monotonicMs() - startedMs
    telemetry.observer.merkle?.({ store: archive.backend, operation: 'load', status: 'success', durationMs })
  }

  async #rebuildFilter(): Promise<void> {
    const { archive, front } = this.#ports
    this.#isFilterThere = false
    front.send({ kind: 'ids-begin' })
    try {
      const idsCut = await archive.scanIds((ids) => front.send({ kind: 'ids', ids }))
      const tail = await archive.readTail(this.#cut)
      if (tail.kind === 'gap') return front.send({ kind: 'filter-lost', because: tail.because })
      this.#isFilterThere = true
      this.#advance(tail, { from: 'ids', changes: changesOf(rowsBetween(tail.rows, idsCut)) })
    } finally {
      // They may be many, and an archive may be gone for long.
      if (!this.#isFilterThere) front.send({ kind: 'ids-dropped' })
    }
  }

  /** Does a step, or starts over where the front has not heard of the last one. */
  async #orStartOver(step: () => Promise<void>): Promise<void> {
    if (this.#unannounced === undefined) return step()
    let because = this.#unannounced
    if (because === 'pruned') {
      // It may have gone back since: then what is known of it goes too.
      const tail = await this.#ports.archive.readTail(this.#cut)
      if (tail.kind === 'gap') because = tail.because
    }
    await this.#startOver(because)
  }

  async #catchUp(): Promise<void> {
    const tail = await this.#ports.archive.readTail(this.#cut)
    if (tail.kind === 'gap') await this.#startOver(tail.because)
    else if (this.#isFilterThere) this.#advance(tail)
    else await this.#rebuildFilter()
  }

  /** Missed something for good: from the archive's own pages and ids. */
  async #startOver(because: LedgerGap): Promise<void> {
    this.#isFilterThere = false
    this.#ports.front.send({ kind: 'filter-lost', because })
    await this.#loadTree(because)
    await this.#rebuildFilter()
  }

  /** Moves the tree by the rows that are new, and tells the front of them; afterwards all stand at the tail's heads. */
  #advance(tail: LedgerTail & { kind: 'rows' }, filter?: HeardRows['filter']): void {
    const { tree } = this.#ports
    const rows = rowsBetween(tail.rows, this.#cut)
    const gone = new Set(rows.flatMap(({ retired = [] }) => retired.map(({ instance }) => instance)))
    const stays = [...this.#cut.positions].filter(([instance]) => !gone.has(instance))
    invariant(
      covers(tail.heads.cut, { ...this.#cut, positions: new Map(stays) }),
      'the follower does not go back, but by starting over',
    )
    tree.advance(rows)
    if (rows.length > 0) {
      this.#lastStep = rows.length > ROWS_KEPT_MAX ? undefined : { from: this.#cut, tail: { ...tail, rows } }
    }
    const from = this.#cut
    this.#cut = tail.heads.cut
    const changes = changesOf(rows)
    this.#announce(
      { kind: 'heard', from, cut: this.#cut, changes, filter, tree: this.#treeReport() },
      'pruned',
    )
  }

  /** @param otherwise what it is as good as, where the front fails: it is not told again, as all stands at the new cut here */
  #announce(step: HeardRows | StartedOver, otherwise: LedgerGap): void {
    this.#unannounced = otherwise
    this.#ports.front.send(step)
    this.#unannounced = undefined
  }

  #treeReport(): TreeReport {
    const { count, membership } = this.tree
    return { trust: this.treeTrust, count, membership }
  }
}

function changesOf(rows: readonly LedgerRow[]): NetChange[] {
  return [...netChanges(rows).values()]
}
