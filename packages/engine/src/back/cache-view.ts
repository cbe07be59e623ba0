import type {
  ArchiveTier,
  BranchSet,
  CacheTier,
  Cut,
  Heads,
  LeafAddress,
  StoredLeaf,
  StripeState,
} from '@se/core'
import { STRIPE_COUNT, stripeOfBucket, stripeOfId } from '@se/core/hash'
import { EMPTY_LEAF, encodeLeaf } from '@se/merkle'
import type { CacheReport } from '../seam/cache-report.ts'
import type { BackEnd } from '../seam/channel.ts'
import { standsAt, type PollSent } from '../seam/standing.ts'
import type { Telemetry } from '../telemetry.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import { CacheReceipts } from './cache-receipts.ts'
import { differingKeys, leafAddress, leafKey, stripeLeaves } from './receipts.ts'
import { StripeKeeper } from './stripe-keeper.ts'
import { noWork, type Work } from './stripe-round.ts'

export interface CacheViewPorts {
  readonly cache: CacheTier
  readonly archive: Pick<ArchiveTier, 'readTail'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'cut' | 'tree' | 'recentTail'>
  /** Hears of every stripe what is known of it, as soon as that changes. */
  readonly front: Pick<BackEnd, 'send'>
  /** Of the last poll: what became known in earlier rounds is in heads that are read from now on. */
  readonly round: () => number
  readonly telemetry: Telemetry
  /** Of the archive. */
  readonly identity: {
    readonly branches: BranchSet
    /** 32 hex digits: the cache has keys of its own for each archive. */
    readonly birthId: string
  }
  /** Δ, ms: a stripe that was not seen at the heads for so long is not asked. */
  readonly stalenessMs: number
}

/** Rounds in which stripes that move under our hands are looked at again. */
const ROUNDS_MAX = 5

/**
 * The shared cache as a view: which stripes are of this archive, and how they are brought to the heads.
 *
 * Nothing is presumed of a stripe. Its entries count only once it was found to stand in this archive's history, by the
 * archive's own word. Which stripes may be asked is for the front to say, which is told of every one.
 */
export class CacheView {
  readonly #ports: CacheViewPorts
  readonly #keeper: StripeKeeper
  readonly #receipts: CacheReceipts
  #isOpen = false
  #isAttached = false
  /** Those that were reported. */
  #damagedEntries = 0

  constructor(ports: CacheViewPorts) {
    this.#ports = ports
    this.#keeper = new StripeKeeper({ ...ports, onShared: () => this.#sendState() })
    this.#receipts = new CacheReceipts({ ...ports, branches: ports.identity.branches })
  }

  /** Whether the cache was reached and brought into line since the start. */
  get isAttached(): boolean {
    return this.#isAttached && this.#keeper.shared === undefined
  }

  /** Whether the id's stripe is known to be of this archive, however recent: its entries count, and may be asked for soon. */
  isFound(id: string): boolean {
    return this.isAttached && this.#keeper.standing(stripeOfId(id)) !== undefined
  }

  /** Whether the id's stripe is known to stand where the follower stands, or beyond. */
  standsAtViews(id: string): boolean {
    return standsAt(this.#keeper.standing(stripeOfId(id)), this.#ports.follower.cut)
  }

  /** Connects, once. @throws TierUnavailable when the cache does not answer */
  async connect(): Promise<void> {
    if (this.#isOpen) return
    const { cache, identity } = this.#ports
    await cache.open(identity)
    this.#isOpen = true
  }

  /**
   * Reaches the cache and brings it into line.
   *
   * @throws TierUnavailable when it does not answer
   * @throws TierMisconfigured when it refuses us, or while a process of another history moves its stripes
   */
  async attach(): Promise<CacheReport> {
    await this.connect()
    await this.#keeper.lookForStranger()
    return this.synchronise()
  }

  /** The cache does not answer: no stripe is asked until {@link attach} has been through again. */
  detach(): void {
    this.#isAttached = false
    this.#keeper.forgetAll()
    this.#sendState()
  }

  /** The archive has gone back, or is another one: what is known of the stripes is of a history that is no more. */
  archiveWentBack(): void {
    this.#keeper.archiveWentBack()
  }

  /**
   * Compares every stripe with the tree and repairs by difference: missing ones are made, those behind are
   * advanced from the ledger, leaves whose receipt differs at the same cut are invalidated.
   *
   * @param repair false: only report
   */
  async synchronise(options: { repair: boolean } = { repair: true }): Promise<CacheReport> {
    const { follower, telemetry } = this.#ports
    const { clock } = telemetry
    const startedMs = clock.monotonicMs()
    let from = this.#now()
    await follower.catchUp()
    const differingLeaves = await this.#receipts.differencesBehind()
    const work = noWork()
    const invalidatedLeaves: LeafAddress[] = []
    let unsettled = STRIPE_COUNT
    for (let round = 0; round < ROUNDS_MAX && unsettled > work.left; round++) {
      if (options.repair) await this.#bringToHeads(from, work)
      from = this.#now()
      await follower.catchUp()
      const outcome = await this.#compareReceipts(options.repair)
      invalidatedLeaves.push(...outcome.differing)
      unsettled = Math.max(outcome.elsewhere, work.left)
      if (!options.repair) break
    }
    if (options.repair && !this.#isAttached) {
      this.#isAttached = true
      this.#sendState()
    }
    const { created, reset, advanced, removedIds } = work
    const report = { created, reset, advanced, differingLeaves, removedIds, invalidatedLeaves, unsettled }
    this.#reportComparison(report, clock.monotonicMs() - startedMs, options.repair)
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
        if (!(await this.#invalidateLeaves(receipt.state, again))) continue
        invalidated += again.length
        break
      }
    }
    return invalidated
  }

  /**
   * Moves stripes that are behind to the heads, and notes which of them may be asked. Run on every poll.
   *
   * @param heads of this poll
   * @param sent the poll
   * @throws TierUnavailable, TierMisconfigured as {@link attach}
   */
  async advanceTo(heads: Heads, sent: PollSent): Promise<void> {
    await this.#bringToHeads(sent, noWork(), heads.cut)
    this.#reportDamage()
  }

  /** Roots of archive and cache at one cut, also while both move. `cache` is `undefined` where a stripe cannot be compared. */
  readRoots(): Promise<{ cut: Cut; archive: string; cache: string | undefined }> {
    return this.#receipts.roots()
  }

  async #bringToHeads(from: PollSent, work: Work, heads?: Cut): Promise<void> {
    const wentBack = await this.#keeper.bringToHeads(from, work, heads)
    // Leaves that were invalidated since the dump count again; where their sums were wrong, they are found again.
    if (wentBack.length > 0) await this.#compareReceipts(true, wentBack)
  }

  /** Leaves that differ from the tree, each stripe at its own cut; `elsewhere` counts stripes that could not be compared. */
  async #compareReceipts(
    repair: boolean,
    stripes?: readonly number[],
  ): Promise<{ differing: LeafAddress[]; elsewhere: number }> {
    const differing: LeafAddress[] = []
    const { comparable, missing } = await this.#receipts.withTruth(stripes)
    let elsewhere = missing
    for (const { receipt, truth } of comparable) {
      const keys = differingKeys(truth(), stripeLeaves(receipt.leaves))
      if (keys.length === 0) continue
      differing.push(...keys.map(leafAddress))
      if (!repair) continue
      const right = keys.map((key) => ({
        ...leafAddress(key),
        sums: encodeLeaf(truth().get(key) ?? EMPTY_LEAF),
      }))
      if (!(await this.#invalidateLeaves(receipt.state, right))) elsewhere++
    }
    return { differing, elsewhere }
  }

  /** The stripe stands where it stood; only some of its entries count no more. @returns whether it was done */
  async #invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<boolean> {
    const after = await this.#ports.cache.invalidateLeaves(state, leaves)
    if (after === undefined) return false
    const standing = this.#keeper.standing(state.stripe)
    if (standing?.state.epoch === after.epoch) this.#keeper.found(after, standing.from)
    return true
  }

  #now(): PollSent {
    return { sentAtMs: this.#ports.telemetry.clock.monotonicMs(), round: this.#ports.round() }
  }

  #sendState(): void {
    const { shared } = this.#keeper
    this.#ports.front.send({ kind: 'cache-state', isAttached: this.#isAttached, shared })
  }

  /** Each entry is counted; that there are any is said when there are more than before. */
  #reportDamage(): void {
    const { cache, telemetry } = this.#ports
    const { observer } = telemetry
    const { damagedEntries } = cache.health()
    const damaged = damagedEntries - this.#damagedEntries
    if (damaged === 0) return
    this.#damagedEntries = damagedEntries
    for (let entry = 0; entry < damaged; entry++) {
      observer.failed?.({ tier: 'L2', operation: 'get', kind: 'SE_CORRUPT_DATA' })
    }
    const what = 'entries of the cache were damaged; each was a miss, and was removed'
    observer.fault?.({ part: 'cache', what, error: undefined, figures: { damaged } })
  }

  #reportComparison(report: CacheReport, durationMs: number, isRepair: boolean): void {
    const { cache, telemetry } = this.#ports
    const { observer } = telemetry
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
          : `${report.unsettled} stripes moved meanwhile, or did not answer`,
    })
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
