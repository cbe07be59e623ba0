import {
  covers,
  encodeCut,
  equalCuts,
  type ArchiveTier,
  type BranchSet,
  type CacheTier,
  type Clock,
  type Cut,
  type Heads,
  type LeafAddress,
  type LedgerTail,
  type StoredLeaf,
  type StripeState,
} from '@se/core'
import { STRIPE_COUNT, stripeOfBucket, stripeOfId } from '@se/core/hash'
import { DigestTree, EMPTY_LEAF, encodeLeaf, type LeafSums } from '@se/merkle'
import type { EngineObserver } from '../observer.ts'
import type { ArchiveViews } from './archive-views.ts'
import type { KnownWrites } from './known-writes.ts'
import { rowsBetween } from './net.ts'
import {
  after,
  before,
  changeOfStripe,
  differingKeys,
  leafAddress,
  leafKey,
  storedLeaves,
  stripeLeaves,
  type StripeLeaves,
} from './receipts.ts'

export interface CacheViewPorts {
  readonly cache: CacheTier
  readonly archive: Pick<ArchiveTier, 'readTail'>
  readonly views: Pick<ArchiveViews, 'catchUp' | 'cut' | 'tree'>
  readonly known: Pick<KnownWrites, 'round' | 'droppedBefore'>
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: EngineObserver
  readonly branches: BranchSet
  /** Entries of a stripe that were true may have been replaced by older ones, and read: nothing of the cache may be kept. */
  readonly onSetBack: () => void
  /** Δ, ms: a stripe that was not seen at the heads for so long is not asked. */
  readonly stalenessMs: number
}

/** What a comparison of the cache with the archive found, and did. */
export interface CacheReport {
  /** Stripes that had no meta and were made; whatever entries lay there are misses now. */
  readonly created: number
  /** Stripes of another archive, ahead of the heads or too far behind, started over. */
  readonly reset: number
  /** Stripes that were behind the heads and were brought there. */
  readonly finished: number
  /** Leaves whose receipt differed from the tree before anything was done. */
  readonly differingLeaves: readonly LeafAddress[]
  /** Ids whose entry was older than the ledger says, and was removed. */
  readonly removedIds: readonly string[]
  /** Leaves whose receipt was still wrong at the same cut: all their entries were made misses. */
  readonly invalidatedLeaves: readonly LeafAddress[]
  /** Stripes that could not be judged, because they moved all the time. */
  readonly unsettled: number
}

/** Rounds in which stripes that move under our hands are looked at again. */
const ROUNDS_MAX = 5

/**
 * The shared cache as a view: which stripes may be asked, and how they are brought to the heads (DESIGN §10).
 *
 * A stripe is asked only while it was seen at the heads within Δ, and stands at everything that was known of single ids
 * and has been forgotten.
 */
export class CacheView {
  readonly #ports: CacheViewPorts
  /** By stripe: monotonic ms of the poll whose heads the stripe covered. */
  readonly #verifiedAtMs: number[] = new Array<number>(STRIPE_COUNT).fill(Number.NEGATIVE_INFINITY)
  /** By stripe: round of the poll whose heads the stripe covered. */
  readonly #rounds: number[] = new Array<number>(STRIPE_COUNT).fill(0)
  /** By stripe: where it was seen to stand, and under which epoch (unknown for one that we made ourselves). */
  readonly #cuts: (Cut | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
  readonly #epochs: (string | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
  #isOpen = false
  #isAttached = false

  constructor(ports: CacheViewPorts) {
    this.#ports = ports
  }

  /** Whether the cache was reached and brought into line since the start. */
  get isAttached(): boolean {
    return this.#isAttached
  }

  /** Whether the id's stripe is known to be recent enough to answer. */
  mayAsk(id: string): boolean {
    return this.#isAttached && this.#isRecent(stripeOfId(id), this.#ports.clock.monotonicMs())
  }

  /** Monotonic ms of the poll whose heads the id's stripe covers. */
  verifiedAtMs(id: string): number {
    return this.#verifiedAtMs[stripeOfId(id)]!
  }

  /**
   * Whether the id's stripe is known to stand where the views stand, or beyond: what it answers is as new as
   * everything this process has heard, so memory may keep it.
   */
  standsAtViews(id: string): boolean {
    const cut = this.#cuts[stripeOfId(id)]
    return cut !== undefined && covers(cut, this.#ports.views.cut)
  }

  /** Stripes that may be asked now. */
  get askableStripes(): number {
    if (!this.#isAttached) return 0
    const nowMs = this.#ports.clock.monotonicMs()
    let count = 0
    for (let stripe = 0; stripe < STRIPE_COUNT; stripe++) if (this.#isRecent(stripe, nowMs)) count++
    return count
  }

  #isRecent(stripe: number, nowMs: number): boolean {
    const { stalenessMs, known } = this.#ports
    return nowMs - this.#verifiedAtMs[stripe]! <= stalenessMs && this.#rounds[stripe]! >= known.droppedBefore
  }

  /** Connects, once. @throws TierUnavailable when the cache does not answer */
  async connect(): Promise<void> {
    if (this.#isOpen) return
    await this.#ports.cache.open({ branches: this.#ports.branches.prefixes })
    this.#isOpen = true
  }

  /** Reaches the cache and brings it into line. @throws TierUnavailable when it does not answer */
  async attach(): Promise<CacheReport> {
    await this.connect()
    return this.synchronise()
  }

  /** The cache does not answer: ask nobody until {@link attach} has been through again. */
  detach(): void {
    this.#isAttached = false
    this.#verifiedAtMs.fill(Number.NEGATIVE_INFINITY)
  }

  /**
   * Compares every stripe with the tree and repairs by difference: missing ones are made, those behind are
   * finished from the ledger, leaves whose receipt differs at the same cut are invalidated.
   *
   * @param repair false: only tell
   */
  async synchronise(options: { repair: boolean } = { repair: true }): Promise<CacheReport> {
    const { views, clock } = this.#ports
    const startedMs = clock.monotonicMs()
    let from = this.#now()
    await views.catchUp()
    const differingLeaves = await this.#differencesBehind()
    const counts = { created: 0, reset: 0, finished: 0 }
    const removedIds: string[] = []
    const invalidatedLeaves: LeafAddress[] = []
    let unsettled = STRIPE_COUNT
    for (let round = 0; round < ROUNDS_MAX && unsettled > 0; round++) {
      if (options.repair) await this.#bringToHeads(from, counts, removedIds)
      from = this.#now()
      await views.catchUp()
      const outcome = await this.#compareReceipts(options.repair)
      invalidatedLeaves.push(...outcome.differing)
      unsettled = outcome.elsewhere
      if (!options.repair) break
    }
    this.#isAttached ||= options.repair
    const report = { ...counts, differingLeaves, removedIds, invalidatedLeaves, unsettled }
    this.#tell(report, clock.monotonicMs() - startedMs, options.repair)
    return report
  }

  /**
   * Makes all entries of some leaves misses; their receipt stays as true as it was.
   *
   * @returns how many of the leaves were invalidated
   */
  async invalidate(leaves: readonly LeafAddress[]): Promise<number> {
    const { cache } = this.#ports
    let invalidated = 0
    for (const [stripe, wanted] of groupByStripe(leaves)) {
      // A stripe that moves between the two calls is read again.
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const receipt = await cache.readReceipt(stripe)
        if (receipt === undefined) break
        const sums = stripeLeaves(receipt.leaves)
        const again = Array.from(wanted.values(), ({ branch, bucket }) => ({
          branch,
          bucket,
          sums: encodeLeaf(sums.get(leafKey(branch, bucket)) ?? EMPTY_LEAF),
        }))
        if (!(await cache.invalidateLeaves(receipt.state, again))) continue
        invalidated += again.length
        break
      }
    }
    if (invalidated > 0) await cache.readStripes()
    return invalidated
  }

  /**
   * Moves stripes that are behind to the heads, and notes which of them may be asked. Run on every poll.
   *
   * @param heads of this poll
   * @param sentAtMs monotonic ms when the poll was sent
   * @param round of the poll
   */
  async tick(heads: Heads, sentAtMs: number, round: number): Promise<void> {
    const removedIds: string[] = []
    await this.#bringToHeads(
      { sentAtMs, round },
      { created: 0, reset: 0, finished: 0 },
      removedIds,
      heads.cut,
    )
  }

  /** Roots of archive and cache at one cut, whatever moves meanwhile. `cache` is `undefined` where a stripe cannot be compared. */
  async readRoots(): Promise<{ cut: Cut; archive: string; cache: string | undefined }> {
    const { comparable, missing, cut, root } = await this.#receiptsWithTruth()
    if (missing > 0) return { cut, archive: root, cache: undefined }
    const tree = new DigestTree(this.#ports.branches)
    for (const { receipt, change } of comparable) {
      for (const [key, sums] of after(stripeLeaves(receipt.leaves), change)) {
        const { branch, bucket } = leafAddress(key)
        tree.addToLeaf(branch, bucket, sums)
      }
    }
    return { cut, archive: root, cache: tree.root() }
  }

  async #bringToHeads(
    from: Moment,
    counts: { created: number; reset: number; finished: number },
    removedIds: string[],
    heads?: Cut,
  ): Promise<void> {
    const { cache, archive } = this.#ports
    const states = await cache.readStripes()
    const setBack = this.#findSetBack(states)
    const tails = createTails(archive)
    let moment: LeafMoment | undefined
    const treeNow = (): LeafMoment => (moment ??= this.#leafMoment())
    const judge = async (state: StripeState | undefined, stripe: number): Promise<void> => {
      if (state === undefined) {
        const { cut, stripes } = treeNow()
        if (!(await cache.createStripe(stripe, cut, storedLeaves(stripes[stripe]!)))) return
        counts.created++
        return this.#note(stripe, cut, from, undefined)
      }
      const { epoch } = state
      const isSetBack = setBack.has(stripe)
      if (!isSetBack && heads !== undefined && equalCuts(state.cut, heads)) {
        return this.#note(stripe, heads, from, epoch)
      }
      const tail = await tails.from(state.cut)
      if (tail.kind === 'gap' || isSetBack) {
        const { cut, stripes } = treeNow()
        if (!(await cache.resetStripe(state, cut, storedLeaves(stripes[stripe]!)))) return
        counts.reset++
        return this.#note(stripe, cut, from, undefined)
      }
      const to = tail.heads.cut
      if (!equalCuts(state.cut, to)) {
        const removed = await cache.finishStripe(state, tail.rows, to)
        if (removed === undefined) return
        counts.finished++
        removedIds.push(...removed)
      }
      this.#note(stripe, to, from, epoch)
    }
    await Promise.all(states.map(judge))
    // A stripe made or started over has a new epoch: until it was read its entries cannot be judged.
    if (counts.created + counts.reset > 0) await cache.readStripes()
  }

  /**
   * Stripes that stand behind where they were seen to stand: the cache came back from an older dump while we ran.
   * What they answered since may be older than all that this process has heard, and will hear again.
   *
   * Such a stripe is started over instead of finished: its new epoch tells the other processes, who may have read from
   * it as well, and would see nothing if it simply stood at the heads again. An epoch that has changed without us is
   * that sign.
   */
  #findSetBack(states: readonly (StripeState | undefined)[]): ReadonlySet<number> {
    const setBack = new Set<number>()
    let isReplaced = false
    for (const [stripe, state] of states.entries()) {
      const cut = this.#cuts[stripe]
      const epoch = this.#epochs[stripe]
      if (state === undefined) {
        this.#verifiedAtMs[stripe] = Number.NEGATIVE_INFINITY
      } else if (cut?.archiveId === state.cut.archiveId && !covers(state.cut, cut)) {
        this.#verifiedAtMs[stripe] = Number.NEGATIVE_INFINITY
        setBack.add(stripe)
      } else if (epoch !== undefined && epoch !== state.epoch) {
        isReplaced = true
      }
    }
    if (setBack.size > 0 || isReplaced) this.#ports.onSetBack()
    return setBack
  }

  #note(stripe: number, cut: Cut, from: Moment, epoch: string | undefined): void {
    this.#epochs[stripe] = epoch
    this.#verifiedAtMs[stripe] = from.sentAtMs
    this.#rounds[stripe] = from.round
    this.#cuts[stripe] = cut
  }

  /** Leaves that differ from the tree, each stripe at its own cut; `elsewhere` counts stripes that could not be compared. */
  async #compareReceipts(repair: boolean): Promise<{ differing: LeafAddress[]; elsewhere: number }> {
    const { cache } = this.#ports
    const differing: LeafAddress[] = []
    let elsewhere = 0
    const { comparable, missing } = await this.#receiptsWithTruth()
    for (const { receipt, truth } of comparable) {
      const keys = differingKeys(truth(), stripeLeaves(receipt.leaves))
      if (keys.length === 0) continue
      differing.push(...keys.map(leafAddress))
      if (!repair) continue
      const right = keys.map((key) => ({
        ...leafAddress(key),
        sums: encodeLeaf(truth().get(key) ?? EMPTY_LEAF),
      }))
      if (!(await cache.invalidateLeaves(receipt.state, right))) elsewhere++
    }
    if (repair && differing.length > 0) await cache.readStripes()
    return { differing, elsewhere: elsewhere + missing }
  }

  /**
   * Every receipt with what the tree says of its leaves at the receipt's own cut, and what happened from there to one cut that
   * all reach.
   *
   * @returns `missing` counts stripes without a receipt, or of which the ledger does not know the way
   */
  async #receiptsWithTruth(): Promise<{
    comparable: ComparableReceipt[]
    missing: number
    cut: Cut
    root: string
  }> {
    const { views, archive, branches } = this.#ports
    const receipts = await this.#receipts()
    // After the receipts: the views now stand where they stand, or beyond.
    await views.catchUp()
    const moment = this.#leafMoment()
    const root = views.tree.root()
    const tails = createTails(archive)
    const comparable: ComparableReceipt[] = []
    let missing = 0
    for (const [stripe, receipt] of receipts.entries()) {
      if (receipt === undefined) {
        missing++
        continue
      }
      const { cut } = receipt.state
      const tail = equalCuts(cut, moment.cut) ? undefined : await tails.from(cut)
      // A tail whose heads do not reach the tree was read from a server that is behind, or instances were retired meanwhile.
      if (tail?.kind === 'gap' || (tail !== undefined && !covers(tail.heads.cut, moment.cut))) {
        missing++
        continue
      }
      const rows = tail === undefined ? [] : rowsBetween(tail.rows, cut, moment.cut)
      const change = changeOfStripe(stripe, rows, branches)
      comparable.push({ receipt, change, truth: () => before(moment.stripes[stripe]!, change) })
    }
    return { comparable, missing, cut: moment.cut, root }
  }

  /** Leaves that differ from the tree in stripes that stand elsewhere than the views. */
  async #differencesBehind(): Promise<LeafAddress[]> {
    const receipts = await this.#receipts()
    const tree = this.#leafMoment()
    return receipts.flatMap((receipt, stripe) =>
      receipt === undefined || equalCuts(receipt.state.cut, tree.cut)
        ? []
        : differingKeys(tree.stripes[stripe]!, stripeLeaves(receipt.leaves)).map(leafAddress),
    )
  }

  #receipts(): Promise<Awaited<ReturnType<CacheTier['readReceipt']>>[]> {
    return Promise.all(
      Array.from({ length: STRIPE_COUNT }, (_, stripe) => this.#ports.cache.readReceipt(stripe)),
    )
  }

  #now(): Moment {
    return { sentAtMs: this.#ports.clock.monotonicMs(), round: this.#ports.known.round }
  }

  #leafMoment(): LeafMoment {
    const { cut, tree } = this.#ports.views
    const stripes = Array.from({ length: STRIPE_COUNT }, () => new Map<number, LeafSums>())
    for (const { branch, bucket, sums } of tree.leaves()) {
      stripes[stripeOfBucket(bucket)]!.set(leafKey(branch, bucket), sums)
    }
    return { cut, stripes }
  }

  #tell(report: CacheReport, durationMs: number, isRepair: boolean): void {
    const { observer, cache } = this.#ports
    const differences = report.differingLeaves.length + report.invalidatedLeaves.length
    observer.merkle?.({
      store: cache.backend,
      operation: isRepair && differences > 0 ? 'repair' : 'compare',
      status: 'success',
      durationMs,
    })
    if (!isRepair) return
    if (differences > 0) {
      observer.repaired?.({
        view: 'cache',
        differences,
        repaired: report.removedIds.length + report.invalidatedLeaves.length,
        durationMs,
      })
    }
    observer.trust?.({
      view: 'cache',
      isTrusted: report.unsettled === 0,
      because:
        report.unsettled === 0
          ? 'every receipt equals the tree'
          : `${report.unsettled} stripes moved meanwhile`,
    })
  }
}

/** When heads that are read now, or were read by a poll, are asked for. */
interface Moment {
  readonly sentAtMs: number
  readonly round: number
}

/** The tree's leaves by stripe and leaf key, with the cut they are of: one moment, good across awaits. */
interface LeafMoment {
  readonly cut: Cut
  readonly stripes: readonly ReadonlyMap<number, LeafSums>[]
}

/** A stripe's receipt, and what the tree says of it. */
interface ComparableReceipt {
  readonly receipt: { readonly state: StripeState; readonly leaves: readonly StoredLeaf[] }
  /** What ledger rows from the receipt's cut on change in its leaves. */
  readonly change: StripeLeaves
  /** The leaves as they must be at the receipt's cut. */
  readonly truth: () => StripeLeaves
}

/** Reads of the ledger by the cut they begin at: nearly always one cut for all stripes, so one read serves all. */
function createTails(archive: Pick<ArchiveTier, 'readTail'>): { from(cut: Cut): Promise<LedgerTail> } {
  const tails = new Map<string, Promise<LedgerTail>>()
  return {
    from(cut) {
      const key = encodeCut(cut)
      let tail = tails.get(key)
      if (tail === undefined) tails.set(key, (tail = archive.readTail(cut)))
      return tail
    },
  }
}

function groupByStripe(leaves: readonly LeafAddress[]): Map<number, Map<number, LeafAddress>> {
  const stripes = new Map<number, Map<number, LeafAddress>>()
  for (const leaf of leaves) {
    const stripe = stripeOfBucket(leaf.bucket)
    let wanted = stripes.get(stripe)
    if (wanted === undefined) stripes.set(stripe, (wanted = new Map()))
    wanted.set(leafKey(leaf.branch, leaf.bucket), leaf)
  }
  return stripes
}
