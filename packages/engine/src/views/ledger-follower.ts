import {
  batchesBehind,
  CorruptData,
  covers,
  equalCuts,
  formatCut,
  invariant,
  SerialQueue,
  type ArchiveTier,
  type BranchSet,
  type Cut,
  type LedgerTail,
} from '@se/core'
import { DigestTree } from '@se/merkle'
import type { Telemetry } from '../telemetry.ts'
import type { FilterView } from './filter-view.ts'
import { netChanges, rowsBetween, type NetChange } from './net.ts'
import type { TreeView } from './tree-view.ts'
import type { Trust } from './trust.ts'

/** What is told of the ledger's rows. */
export interface LedgerListener {
  /** Told of every change before the views stand at it: floors are raised, older entries of memory dropped. */
  hear(changes: Iterable<NetChange>): void
  /**
   * The views start over at another cut, and of what lies between nothing was heard: nothing that was derived from
   * earlier rows may be kept.
   */
  missed(because: LedgerGap | undefined): void
}

export interface LedgerFollowerPorts {
  readonly archive: Pick<ArchiveTier, 'backend' | 'readTail' | 'readTree' | 'scanIds'>
  readonly branches: BranchSet
  readonly tree: TreeView
  readonly filter: FilterView
  readonly listener: LedgerListener
  readonly telemetry: Telemetry
}

/** Rows of the last step up to which they are kept for the cache, which mostly begins at the same cut. */
const ROWS_KEPT_MAX = 1_000

export type LedgerGap = (LedgerTail & { kind: 'gap' })['because']

/** How the filter came to stand at the tree's cut. */
export type FilterRestore =
  | { readonly how: 'snapshot'; readonly caughtUpBatches: number }
  | { readonly how: 'rebuilt'; readonly because: string }

/** The rows of one read of the ledger. */
interface Step {
  readonly from: Cut
  readonly tail: LedgerTail & { kind: 'rows' }
}

/**
 * Follows the ledger, and moves what hangs on it: heard writes, tree and filter, all at one cut of the archive.
 *
 * A step reads heads and tail in one snapshot and applies it in one go, so tree and filter never stand at different
 * cuts and no reader sees half a step. Steps run one at a time.
 */
export class LedgerFollower {
  readonly #ports: LedgerFollowerPorts
  #cut: Cut
  #lastStep: Step | undefined
  readonly #steps = new SerialQueue()
  /** A rebuild that was begun and not finished: the filter is of no use before another one. */
  #mustRebuild = false
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
    return this.#mustRebuild || !equalCuts(heads, this.#cut)
  }

  /** Ledger rows between the views and the given heads. */
  lagBatches(heads: Cut): number {
    return batchesBehind(this.#cut, heads)
  }

  /** Takes pages and tail of one snapshot. What the filter and the cache are compared with comes from here. */
  loadTree(): Promise<void> {
    return this.#steps.run(() => this.#loadTree())
  }

  /**
   * Brings the filter to the heads: from a snapshot and what has happened since, or from the ids. Call after
   * {@link loadTree}.
   */
  restoreFilter(snapshot: Uint8Array | undefined): Promise<FilterRestore> {
    return this.#steps.run(async () => {
      const because = await this.#refusalOfSnapshot(snapshot)
      if (typeof because === 'number') return { how: 'snapshot', caughtUpBatches: because }
      await this.#rebuildFilter()
      return { how: 'rebuilt', because }
    })
  }

  /** Starts the filter over from the ids of one snapshot of the archive, and compares. */
  rebuildFilter(): Promise<Trust> {
    return this.#steps.run(() => this.#rebuildFilter())
  }

  /**
   * Stands at the heads of a moment after the call. Calls that meet share a step, but never one that had begun
   * before them.
   *
   * @returns the cut reached
   */
  catchUp(): Promise<Cut> {
    this.#waiting ??= this.#steps.run(() => {
      this.#waiting = undefined
      return this.#catchUp()
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
    this.#ports.filter.lose(`the tree is untrusted: ${because}`)
  }

  /** The tree was compared with what the rows give, and equals it: gives trust back, to the tree and to the filter that equals it. */
  vouch(because: string): void {
    if (this.treeTrust.isTrusted) return
    this.#ports.tree.vouch(because, this.#cut)
    if (!this.#mustRebuild) this.#compareFilter()
  }

  async #loadTree(because?: LedgerGap): Promise<void> {
    const { archive, branches, listener, telemetry } = this.#ports
    const startedMs = telemetry.clock.monotonicMs()
    const stored = await archive.readTree()
    if (stored.tail.kind === 'gap') {
      throw new CorruptData(`the tree pages cannot be brought to the heads: ${stored.tail.because}`)
    }
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of stored.pages) tree.setPage(branch, page, bytes)
    for (const row of stored.tail.rows) tree.apply(row.entries)
    // In the same turn as the cut moves: what is loaded from now on is at least as new [P63].
    listener.missed(because)
    this.#cut = stored.tail.heads.cut
    this.#lastStep = undefined
    this.#ports.tree.replaceBy(tree, this.#cut)
    const durationMs = telemetry.clock.monotonicMs() - startedMs
    telemetry.observer.merkle?.({ store: archive.backend, operation: 'load', status: 'success', durationMs })
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
    this.#advance(tail)
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
    this.#advance(tail)
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
    this.#advance(tail)
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

  /** Hears of the rows that are new, and moves the tree; afterwards it stands at the tail's heads. */
  #advance(tail: LedgerTail & { kind: 'rows' }): void {
    const { listener, tree } = this.#ports
    const rows = rowsBetween(tail.rows, this.#cut)
    const gone = new Set(rows.flatMap(({ retired = [] }) => retired.map(({ instance }) => instance)))
    const stays = [...this.#cut.positions].filter(([instance]) => !gone.has(instance))
    invariant(
      covers(tail.heads.cut, { ...this.#cut, positions: new Map(stays) }),
      'the follower does not go back, but by starting over',
    )
    listener.hear(netChanges(rows).values())
    tree.advance(rows)
    if (rows.length > 0) {
      this.#lastStep = rows.length > ROWS_KEPT_MAX ? undefined : { from: this.#cut, tail: { ...tail, rows } }
    }
    this.#cut = tail.heads.cut
  }

  #compareFilter(): Trust {
    const { filter } = this.#ports
    if (!this.treeTrust.isTrusted) return filter.trust
    const { count, membership } = this.tree
    return filter.compare({ count, membership }, formatCut(this.#cut))
  }
}

function* flatten(chunks: readonly (readonly string[])[]): Generator<string> {
  for (const chunk of chunks) yield* chunk
}
