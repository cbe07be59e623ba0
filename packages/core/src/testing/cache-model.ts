import type { Cut } from '../cut.ts'
import { bucketOfId, stripeOfId } from '../hash.ts'
import { compareStamps, formatStamp, isNewer, newerStamp, type Stamp } from '../stamp.ts'
import type { CachePut, CachePutOutcome, CacheTier, StoredLeaf, StripeState } from '../cache-tier.ts'
import { CACHE_CONTRACT_BRANCHES, type CacheContractHarness } from './cache-contract-kit.ts'
import { ModelArchive, putOf, showCut, showLeaves } from './cache-model-archive.ts'
import type { SeededRandom } from './seeded-random.ts'

/**
 * Ways to use a cache wrongly. Each must lead the model to an answer that is too old; a model that finds
 * nothing then would find nothing ever.
 */
export type CacheMisuse =
  /** The right to create is asked for when the value is there already. */
  | 'permits-read-late'
  /** Writers put as readers fill: no fresh token. */
  | 'writes-put-as-fills'
  /** A process moves the cut without telling what happened. */
  | 'advance-without-rows'

export interface CacheModelOptions {
  readonly random: SeededRandom
  /** Actions of one schedule. */
  readonly stepCount: number
  readonly misuse?: CacheMisuse | undefined
}

/** What went wrong, and how it came about. */
export interface CacheModelViolation {
  readonly message: string
  /** One line an action. */
  readonly trace: readonly string[]
}

const FIRST_ID = 'user.1'
const STRIPE = stripeOfId(FIRST_ID)
const USER_BRANCH = CACHE_CONTRACT_BRANCHES.branchOf('user.')

/** Two ids of one leaf, and one of another leaf of the same stripe. */
const IDS: readonly string[] = [
  FIRST_ID,
  find((id) => bucketOfId(id) === bucketOfId(FIRST_ID)),
  find((id) => stripeOfId(id) === STRIPE && bucketOfId(id) !== bucketOfId(FIRST_ID)),
]

function find(accepts: (id: string) => boolean): string {
  for (let number = 2; ; number++) if (accepts(`user.${number}`)) return `user.${number}`
}

/**
 * Model of the rules: two writers, readers, processes that advance stripes, eviction, lost meta, rollback and crashes, in a random
 * order, on one stripe of a cache and an abstract archive. What is under way between two steps of a process
 * waits in a pool, and goes on at any later time, or never.
 *
 * Held against it:
 * - a stripe that stands at cut C never answers something older than C says;
 * - what was believed of a stripe never answers something older than the cut that was believed, also when the stripe went back
 *   to an older dump and nobody has looked at it since;
 * - a stripe that was given a fresh epoch, by whomever, answers nothing by what was believed before;
 * - after a writer's put it never answers something older than that write, whatever became of the put,
 *   unless the stripe went back to an older dump;
 * - its receipt is the sum of the ledger up to its cut.
 */
export class CacheModel {
  readonly #harness: CacheContractHarness
  readonly #tiers: ModelTiers

  private constructor(harness: CacheContractHarness, tiers: ModelTiers) {
    this.#harness = harness
    this.#tiers = tiers
  }

  static async create(harness: CacheContractHarness): Promise<CacheModel> {
    const processes = [await harness.connect(), await harness.connect()]
    return new CacheModel(harness, { processes, watcher: await harness.connect() })
  }

  /** Runs one schedule on a stripe that is emptied first. */
  async run(options: CacheModelOptions): Promise<CacheModelViolation | undefined> {
    await this.#harness.dropMeta(STRIPE)
    for (const id of IDS) await this.#harness.evict(id)
    return new Schedule(this.#harness, this.#tiers, options).run()
  }
}

interface ModelTiers {
  readonly processes: readonly CacheTier[]
  /** Sees what the stripe is, and takes no part. */
  readonly watcher: CacheTier
}

interface UnderWay {
  readonly title: string
  /** Whether something else follows is up to it. */
  readonly goOn: () => Promise<void>
}

class Schedule {
  readonly #harness: CacheContractHarness
  readonly #tiers: readonly CacheTier[]
  readonly #watcher: CacheTier
  readonly #random: SeededRandom
  readonly #stepCount: number
  readonly #misuse: CacheMisuse | undefined
  readonly #archive = new ModelArchive()
  readonly #underWay: UnderWay[] = []
  readonly #trace: string[] = []
  readonly #lastTimes = [0, 0]
  /** By process: what it believes of the stripe. */
  readonly #believed: (StripeState | undefined)[] = [undefined, undefined]
  /** By process: how often it has read the stripe. */
  readonly #polls = [0, 0]
  /** By id the newest write that a writer put since the last rollback. */
  readonly #delivered = new Map<string, Stamp>()
  #clock = 10
  #goBack: (() => Promise<void>) | undefined
  #violation: string | undefined

  constructor(harness: CacheContractHarness, { processes, watcher }: ModelTiers, options: CacheModelOptions) {
    this.#harness = harness
    this.#tiers = processes
    this.#watcher = watcher
    this.#random = options.random
    this.#stepCount = options.stepCount
    this.#misuse = options.misuse
  }

  async run(): Promise<CacheModelViolation | undefined> {
    await this.#beginCreate(0)
    await this.#goOn()
    for (let step = 0; step < this.#stepCount && this.#violation === undefined; step++) await this.#act()
    for (const process of [0, 1]) await this.#observe(process)
    await this.#checkReceipt()
    return this.#violation === undefined ? undefined : { message: this.#violation, trace: this.#trace }
  }

  #act(): Promise<void> {
    const process = this.#random.below(2)
    const dice = this.#random.below(100)
    if (dice < 36) return this.#goOn()
    if (dice < 50) return this.#beginWrite(process)
    if (dice < 60) return this.#beginLoad(process)
    if (dice < 66) return this.#beginAdvance(process)
    if (dice < 74) return this.#observe(process)
    if (dice < 79) return this.#observeUnpolled(process)
    if (dice < 85) return this.#evict()
    if (dice < 88) return this.#beginCreate(process)
    if (dice < 90) return this.#beginInvalidate(process)
    if (dice < 92) return this.#beginReset(process)
    if (dice < 93) return this.#beginRenew(process)
    if (dice < 94) return this.#loseMeta()
    if (dice < 96) return this.#remember()
    if (dice < 98) return this.#rollBack()
    return this.#crash()
  }

  #note(line: string): void {
    this.#trace.push(line)
  }

  #later(title: string, goOn: () => Promise<void>): void {
    this.#underWay.push({ title, goOn })
  }

  async #goOn(): Promise<void> {
    if (this.#underWay.length === 0) return
    const [one] = this.#underWay.splice(this.#random.below(this.#underWay.length), 1)
    this.#note(one!.title)
    await one!.goOn()
  }

  #crash(): Promise<void> {
    if (this.#underWay.length > 0) {
      const [one] = this.#underWay.splice(this.#random.below(this.#underWay.length), 1)
      this.#note(`never: ${one!.title}`)
    }
    return Promise.resolve()
  }

  async #beginWrite(process: number): Promise<void> {
    const tier = this.#tiers[process]!
    const instance = process + 1
    const ids = IDS.filter(() => this.#random.chance(0.5))
    if (ids.length === 0) return
    // Clocks differ a little, so that a later write may have an older stamp and be superseded.
    const time = Math.max(this.#lastTimes[process]! + 1, ++this.#clock - this.#random.below(4))
    this.#lastTimes[process] = time
    const writes = ids.map((id) => ({ id, stamp: { time, instance }, isDelete: this.#random.chance(0.25) }))
    const name = `${instance} writes ${writes.map((one) => (one.isDelete ? `-${one.id}` : one.id)).join(' ')} at ${time}`
    const permits = await tier.readPermits(ids)
    this.#note(`${name}: permits`)
    this.#later(`${name}: commit`, () => {
      const entries = this.#archive.commit(instance, writes)
      this.#later(`${name}: put ${entries.length}`, async () => {
        const puts = entries.map((entry) =>
          putOf(
            entry,
            permits[ids.indexOf(entry.id)],
            this.#misuse === 'writes-put-as-fills' ? 'fill' : 'write',
          ),
        )
        const outcomes = await this.#put(tier, puts)
        puts.forEach(({ write: { id, stamp } }, index) => {
          if (outcomes[index] === 'unknown' || !isNewer(stamp, this.#delivered.get(id))) return
          this.#delivered.set(id, stamp)
        })
      })
      return Promise.resolve()
    })
  }

  async #beginLoad(process: number): Promise<void> {
    const tier = this.#tiers[process]!
    const id = this.#random.pick(IDS)
    const [permit] = await tier.readPermits([id])
    this.#note(`${process + 1} loads ${id}: permit`)
    this.#later(`${process + 1} loads ${id}: select`, () => {
      const entry = this.#archive.newest(id)
      if (entry?.digest !== undefined) {
        this.#later(`${process + 1} loads ${id}: fill ${formatStamp(entry.stamp)}`, async () => {
          await this.#put(tier, [putOf(entry, permit, 'fill')])
        })
      }
      return Promise.resolve()
    })
  }

  async #put(tier: CacheTier, puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    if (this.#misuse !== 'permits-read-late') return tier.put(puts)
    const permits = await tier.readPermits(puts.map((put) => put.write.id))
    return tier.put(puts.map((put, index) => ({ ...put, permit: permits[index] })))
  }

  async #beginAdvance(process: number): Promise<void> {
    const state = await this.#stateOf(process)
    if (state === undefined) return
    const polls = this.#polls[process]
    this.#note(`${process + 1} advances: state`)
    this.#later(`${process + 1} advances: tail`, () => {
      const rows = this.#misuse === 'advance-without-rows' ? [] : this.#archive.beyond(state.cut)
      const to = this.#archive.heads()
      this.#later(`${process + 1} advances: ${showCut(state.cut)} to ${showCut(to)}`, async () => {
        const advanced = await this.#tiers[process]!.advanceStripe(state, rows, to)
        // What was read since is newer than what came of this.
        if (advanced !== undefined && this.#polls[process] === polls) this.#believe(process, advanced.state)
        await this.#checkReceipt()
      })
      return Promise.resolve()
    })
  }

  #beginCreate(process: number): Promise<void> {
    const cut = this.#archive.heads()
    this.#note(`${process + 1} creates: heads ${showCut(cut)}`)
    this.#later(`${process + 1} creates at ${showCut(cut)}`, async () => {
      const made = await this.#tiers[process]!.createStripe(STRIPE, cut, this.#leavesAt(cut))
      if (made !== undefined) this.#believe(process, made)
    })
    return Promise.resolve()
  }

  async #beginInvalidate(process: number): Promise<void> {
    const state = await this.#stateOf(process)
    if (state === undefined) return
    const bucket = bucketOfId(this.#random.pick(IDS))
    this.#later(`${process + 1} invalidates leaf ${bucket}`, async () => {
      const sums = this.#sumsAt(state.cut, bucket)
      const leaves = [{ branch: USER_BRANCH, bucket, sums }]
      this.#believed[process] = undefined
      const after = await this.#tiers[process]!.invalidateLeaves(state, leaves)
      if (after !== undefined) this.#believe(process, after)
    })
  }

  async #beginReset(process: number): Promise<void> {
    const state = await this.#stateOf(process)
    if (state === undefined) return
    const cut = this.#archive.heads()
    this.#later(`${process + 1} resets to ${showCut(cut)}`, async () => {
      const started = await this.#tiers[process]!.resetStripe(state, cut, this.#leavesAt(cut))
      if (started !== undefined) this.#believe(process, started)
    })
  }

  async #beginRenew(process: number): Promise<void> {
    const state = await this.#stateOf(process)
    if (state === undefined) return
    this.#later(`${process + 1} renews the epoch`, async () => {
      this.#believed[process] = undefined
      await this.#tiers[process]!.renewEpoch(state)
    })
  }

  async #evict(): Promise<void> {
    const id = this.#random.pick(IDS)
    this.#note(`evicts ${id}`)
    await this.#harness.evict(id)
  }

  async #loseMeta(): Promise<void> {
    this.#note('loses the meta')
    await this.#harness.dropMeta(STRIPE)
  }

  async #remember(): Promise<void> {
    this.#note('is dumped')
    this.#goBack = await this.#harness.snapshot(STRIPE)
  }

  async #rollBack(): Promise<void> {
    if (this.#goBack === undefined) return
    this.#note('goes back to the dump')
    await this.#goBack()
    this.#delivered.clear()
  }

  /** A poll, and lookups right after it. */
  async #observe(process: number): Promise<void> {
    const state = await this.#stateOf(process)
    if (state === undefined) return
    for (const [id, stamp] of await this.#read(process)) {
      this.#hold(process, id, stamp, this.#toldBy(state.cut, id), `its cut ${showCut(state.cut)} says`)
      this.#hold(process, id, stamp, this.#delivered.get(id), 'there was put')
    }
  }

  /** Lookups by what the process believed some time ago, whatever has become of the stripe since. */
  async #observeUnpolled(process: number): Promise<void> {
    const believed = this.#believed[process]
    if (believed === undefined) return
    const { cut, epoch } = believed
    const reading = (await this.#watcher.readStripes())[STRIPE]
    const isFresh = reading?.kind === 'state' && reading.state.epoch !== epoch
    for (const [id, stamp] of await this.#read(process)) {
      this.#hold(process, id, stamp, this.#toldBy(cut, id), `the cut it believes, ${showCut(cut)}, says`)
      if (isFresh) this.#violation ??= `${process + 1} reads ${id} under an epoch that the stripe has no more`
    }
  }

  async #read(process: number): Promise<[id: string, stamp: Stamp][]> {
    const lookups = await this.#tiers[process]!.getMany(IDS)
    return lookups.flatMap((lookup) => (lookup.kind === 'found' ? [[lookup.item.id, lookup.item.stamp]] : []))
  }

  #toldBy(cut: Cut, id: string): Stamp | undefined {
    const told = this.#archive.upTo(cut).flatMap((row) => row.entries.filter((entry) => entry.id === id))
    return told.map((entry) => entry.stamp).reduce<Stamp | undefined>(newerStamp, undefined)
  }

  #hold(process: number, id: string, stamp: Stamp, least: Stamp | undefined, because: string): void {
    if (least === undefined || compareStamps(stamp, least) >= 0) return
    this.#violation ??= `${process + 1} reads ${id} at ${formatStamp(stamp)}, but ${because} ${formatStamp(least)}`
  }

  async #checkReceipt(): Promise<void> {
    const receipt = await this.#tiers[0]!.readReceipt(STRIPE)
    if (receipt === undefined) return
    const expected = showLeaves(this.#leavesAt(receipt.state.cut))
    if (showLeaves(receipt.leaves) === expected) return
    this.#violation ??= `the receipt at ${showCut(receipt.state.cut)} is ${showLeaves(receipt.leaves)}, the ledger's sum ${expected}`
  }

  async #stateOf(process: number): Promise<StripeState | undefined> {
    const tier = this.#tiers[process]!
    this.#polls[process]!++
    const reading = (await tier.readStripes())[STRIPE]
    if (reading?.kind !== 'state') {
      tier.doubt([STRIPE])
      this.#believed[process] = undefined
      return undefined
    }
    this.#believe(process, reading.state)
    return reading.state
  }

  #believe(process: number, state: StripeState): void {
    this.#tiers[process]!.believe([state])
    this.#believed[process] = state
  }

  #leavesAt(cut: Cut): StoredLeaf[] {
    return [...new Set(IDS.map(bucketOfId))]
      .map((bucket) => ({ branch: USER_BRANCH, bucket, sums: this.#sumsAt(cut, bucket) }))
      .filter((leaf) => leaf.sums.some((byte) => byte !== 0))
  }

  #sumsAt(cut: Cut, bucket: number): Uint8Array {
    let sums: Uint8Array = new Uint8Array(28)
    for (const { entries } of this.#archive.upTo(cut)) {
      for (const entry of entries) {
        if (bucketOfId(entry.id) === bucket) sums = this.#harness.addEntry(sums, entry)
      }
    }
    return sums
  }
}
