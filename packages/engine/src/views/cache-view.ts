import type {
  ArchiveTier,
  BranchSet,
  CacheTier,
  Cut,
  Heads,
  LeafAddress,
  StorageError,
  StoredLeaf,
  StripeState,
} from '@se/core'
import { STRIPE_COUNT, stripeOfBucket, stripeOfId } from '@se/core/hash'
import { EMPTY_LEAF, encodeLeaf } from '@se/merkle'
import type { Telemetry } from '../telemetry.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import { CacheReceipts } from './cache-receipts.ts'
import type { KnownWrites } from '../heard/known-writes.ts'
import { differingKeys, leafAddress, leafKey, stripeLeaves } from './receipts.ts'
import { isOnTheWayTo, noWork, StripeKeeper, type Work } from './stripe-keeper.ts'
import type { Moment } from './stripe-standings.ts'

export interface CacheViewPorts {
  readonly cache: CacheTier
  readonly archive: Pick<ArchiveTier, 'readTail'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'cut' | 'tree' | 'recentTail'>
  readonly known: Pick<KnownWrites, 'round' | 'droppedBefore'>
  readonly telemetry: Telemetry
  /** Of the archive. */
  readonly identity: {
    readonly branches: BranchSet
    /** 32 hex digits: the cache has keys of its own for each archive. */
    readonly birthId: string
  }
  /** Entries that were read from the cache may not have been true: nothing of it may be kept. */
  readonly onSetBack: () => void
  /** Δ, ms: a stripe that was not seen at the heads for so long is not asked. */
  readonly stalenessMs: number
}

/** What a comparison of the cache with the archive found, and did. */
export interface CacheReport {
  /** Stripes that had no meta and were made; entries that lay there are misses now. */
  readonly created: number
  /** Stripes of another archive or history, or too far behind, started over. */
  readonly reset: number
  /** Stripes that were behind the heads and were brought there. */
  readonly finished: number
  /** Leaves whose receipt differed from the tree before anything was done. */
  readonly differingLeaves: readonly LeafAddress[]
  /** Ids whose entry was older than the ledger says, and was removed. */
  readonly removedIds: readonly string[]
  /** Leaves whose receipt was still wrong at the same cut: all their entries were made misses. */
  readonly invalidatedLeaves: readonly LeafAddress[]
  /** Stripes that could not be judged: they moved all the time, did not answer, or have a cut that the archive does not know. */
  readonly unsettled: number
}

/** Rounds in which stripes that move under our hands are looked at again. */
const ROUNDS_MAX = 5

/**
 * The shared cache as a view: which stripes are of this archive, which may be asked, and how they are brought to the heads.
 *
 * Nothing is presumed of a stripe. Its entries count only once it was found to stand in this archive's history, by the
 * archive's own word; it is asked only while it was seen at the heads within Δ, and stands at everything that was known of
 * single ids and has been forgotten.
 */
export class CacheView {
  readonly #ports: CacheViewPorts
  readonly #keeper: StripeKeeper
  readonly #receipts: CacheReceipts
  #isOpen = false
  #isAttached = false
  /** Those that were told of. */
  #damagedEntries = 0

  constructor(ports: CacheViewPorts) {
    this.#ports = ports
    this.#keeper = new StripeKeeper(ports)
    this.#receipts = new CacheReceipts({ ...ports, branches: ports.identity.branches })
  }

  /** Whether the cache was reached and brought into line since the start. */
  get isAttached(): boolean {
    return this.#isAttached && this.#keeper.shared === undefined
  }

  /** What stands against the cache, or a part of it; `undefined`: nothing is known. */
  get failure(): StorageError | undefined {
    return this.#keeper.shared ?? this.#ports.cache.health().failure
  }

  /** Whether the id's stripe is known to be recent enough to answer. */
  mayAsk(id: string): boolean {
    return this.isAttached && this.#isRecent(stripeOfId(id), this.#ports.telemetry.clock.monotonicMs())
  }

  /** Whether the id's stripe is known to be of this archive, however recent: its entries count, and may be asked for soon. */
  isFound(id: string): boolean {
    return this.isAttached && this.#keeper.standing(stripeOfId(id)) !== undefined
  }

  /** Monotonic ms of the poll whose heads the id's stripe covers. */
  verifiedAtMs(id: string): number {
    return this.#keeper.standing(stripeOfId(id))?.from.sentAtMs ?? Number.NEGATIVE_INFINITY
  }

  /**
   * Whether the id's stripe is known to stand where the views stand, or beyond: what it answers is as new as
   * everything this process has heard, so memory may keep it.
   */
  standsAtViews(id: string): boolean {
    const standing = this.#keeper.standing(stripeOfId(id))
    return standing !== undefined && isOnTheWayTo(this.#ports.follower.cut, standing.state.cut)
  }

  /** Stripes that may be asked now. */
  get askableStripes(): number {
    if (!this.isAttached) return 0
    const nowMs = this.#ports.telemetry.clock.monotonicMs()
    let count = 0
    for (let stripe = 0; stripe < STRIPE_COUNT; stripe++) if (this.#isRecent(stripe, nowMs)) count++
    return count
  }

  #isRecent(stripe: number, nowMs: number): boolean {
    const { stalenessMs, known } = this.#ports
    const from = this.#keeper.standing(stripe)?.from
    return from !== undefined && nowMs - from.sentAtMs <= stalenessMs && from.round >= known.droppedBefore
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
  }

  /** The archive has gone back, or is another one: what is known of the stripes is of a history that is no more. */
  archiveWentBack(): void {
    this.#keeper.archiveWentBack()
  }

  /**
   * Compares every stripe with the tree and repairs by difference: missing ones are made, those behind are
   * finished from the ledger, leaves whose receipt differs at the same cut are invalidated.
   *
   * @param repair false: only tell
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
    this.#isAttached ||= options.repair
    const { created, reset, finished, removedIds } = work
    const report = { created, reset, finished, differingLeaves, removedIds, invalidatedLeaves, unsettled }
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
   * @param sentAtMs monotonic ms when the poll was sent
   * @param round of the poll
   * @throws TierUnavailable, TierMisconfigured as {@link attach}
   */
  async tick(heads: Heads, sentAtMs: number, round: number): Promise<void> {
    await this.#bringToHeads({ sentAtMs, round }, noWork(), heads.cut)
    this.#tellOfDamage()
  }

  /** Roots of archive and cache at one cut, also while both move. `cache` is `undefined` where a stripe cannot be compared. */
  readRoots(): Promise<{ cut: Cut; archive: string; cache: string | undefined }> {
    return this.#receipts.roots()
  }

  async #bringToHeads(from: Moment, work: Work, heads?: Cut): Promise<void> {
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

  #now(): Moment {
    return { sentAtMs: this.#ports.telemetry.clock.monotonicMs(), round: this.#ports.known.round }
  }

  /** Each entry is counted; that there are any is said when there are more than before. */
  #tellOfDamage(): void {
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

  #tell(report: CacheReport, durationMs: number, isRepair: boolean): void {
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
