import {
  checkId,
  equalStamps,
  InvalidInput,
  isNewer,
  newerStamp,
  TierUnavailable,
  type ItemWrite,
  type Lookup,
  type Stamp,
  type StoredItem,
} from '@se/core'
import {
  readGetManyOptions,
  readGetOptions,
  type BoundCall,
  type Consistency,
  type GetCall,
  type GetManyCall,
} from '../call-options.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import type { PendingSet } from '../flush/pending-set.ts'
import type { KnownWrites } from '../heard/known-writes.ts'
import { KeptItem } from '../kept-item.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { Telemetry } from '../telemetry.ts'
import type { FilterView } from '../views/filter-view.ts'
import type { Freshness } from '../views/freshness.ts'
import { itemOf } from '../item.ts'
import type { LoadFloors, LoadVerdict } from '../heard/load-floors.ts'
import { answerFrom, type ReadAnswer } from './answer.ts'
import { routeOf, type Route } from './route.ts'
import { stampOf, reportGet, type Answer, type LowerTiers } from './lower-tiers.ts'
import { SingleFlight } from './single-flight.ts'

/**
 * `present` and `absent` are sure (within Δ of other processes' writes); `maybe`: the trusted filter cannot exclude it;
 * `unknown`: nothing that could say so is trusted now.
 */
export type FastAnswer = 'present' | 'absent' | 'maybe' | 'unknown'

export interface ReadPathPorts {
  readonly tiers: LowerTiers
  /** Of its loads: what is heard while one runs may be newer than what it brings [R2]. */
  readonly floors: LoadFloors
  readonly pending: Pick<PendingSet, 'read' | 'isSure'>
  readonly memory: MemoryTier
  readonly known: Pick<KnownWrites, 'get'>
  readonly filter: Pick<FilterView, 'denies' | 'trust'>
  readonly freshness: Pick<Freshness, 'state' | 'isRecent' | 'stalenessMs'>
  readonly deadlines: Pick<CallDeadlines, 'bound' | 'within'>
  readonly telemetry: Telemetry
}

/**
 * memory → pending → filter gate → L2 → L3, filling back what was found.
 *
 * The filter is asked before L2, not after: what the trusted filter denies, L2 cannot have, and so "absent" costs
 * no round trip.
 */
export class ReadPath {
  readonly #ports: ReadPathPorts
  readonly #tiers: LowerTiers
  readonly #loads: SingleFlight<Answer>

  constructor(ports: ReadPathPorts) {
    this.#ports = ports
    this.#tiers = ports.tiers
    this.#loads = new SingleFlight<Answer>(ports.floors, (id, answer) => {
      if (answer.kind !== 'found') return
      if (answer.mayKeep) ports.memory.put(answer.item)
      // What memory has must not be older than what this process was given.
      else ports.memory.dropOlder(id, answer.item.stamp)
    })
  }

  getSync(id: string): KeptItem | undefined {
    checkId(id)
    const { memory, pending } = this.#ports
    const route = this.#route('local')
    const item = route.memory ? memory.get(id) : undefined
    if (item !== undefined) return item
    return this.#isSure(id, route) ? this.#pendingItem(pending.read(id)) : undefined
  }

  containsFast(id: string): FastAnswer {
    checkId(id)
    const { pending, memory, known, filter } = this.#ports
    if (!this.#route('local').memory) return 'unknown'
    const write = pending.read(id)
    if (write !== undefined && !pending.isSure(id)) return 'unknown'
    if (write !== undefined) return write.bytes === undefined ? 'absent' : 'present'
    if (memory.get(id) !== undefined) return 'present'
    const own = known.get(id)
    if (own?.isInFilter === false) {
      if (own.isLive === undefined) return 'unknown'
      return own.isLive ? 'present' : 'absent'
    }
    if (filter.denies(id)) return 'absent'
    return filter.trust.isTrusted ? 'maybe' : 'unknown'
  }

  async contains(id: string, call: BoundCall): Promise<boolean> {
    return (await this.get(id, { ...readGetOptions(undefined), ...call }, 'contains')) !== undefined
  }

  /** What {@link read} finds. Only what has to wait for a tier has a deadline: a hit in memory costs less than a timer. */
  async get(
    id: string,
    call: GetCall = readGetOptions(undefined),
    operation: 'get' | 'contains' = 'get',
  ): Promise<KeptItem | undefined> {
    const route = this.#route(call.consistency)
    return this.#inMemory(id, route) ?? (await this.#readBelowMemory(id, route, call, operation)).item
  }

  /** The item, which part gave it, and what that is worth [R8]. */
  async read(id: string, call: GetCall = readGetOptions(undefined)): Promise<ReadAnswer> {
    const route = this.#route(call.consistency)
    const item = this.#inMemory(id, route)
    return item === undefined ? this.#readBelowMemory(id, route, call, 'get') : answerFrom('memory', item)
  }

  /**
   * Many ids with at most one round trip per tier, and one more to the archive about those whose answers were outdated; none when
   * all are in memory.
   *
   * @returns in the order of the ids
   * @throws TierUnavailable when one of them could not be answered
   */
  async getMany(
    given: readonly string[],
    call: GetManyCall = readGetManyOptions(undefined),
  ): Promise<readonly (KeptItem | undefined)[]> {
    if (!Array.isArray(given)) throw new InvalidInput('ids', `must be a list of ids, not ${typeof given}`)
    // The caller's list may change while tiers are asked.
    const ids = [...given] as readonly string[]
    const { memory, pending } = this.#ports
    const route = this.#route('local')
    const items = new Map<string, KeptItem | undefined>()
    const missing: string[] = []
    const stalePending: ItemWrite[] = []
    for (const id of new Set(ids)) {
      checkId(id)
      const item = route.memory ? memory.get(id) : undefined
      const write = item === undefined ? pending.read(id) : undefined
      if (item !== undefined) items.set(id, item)
      else if (write !== undefined && this.#isSure(id, route)) items.set(id, this.#pendingItem(write))
      else if (write !== undefined) stalePending.push(write)
      else if (this.#isDenied(id, route)) items.set(id, undefined)
      else missing.push(id)
    }
    if (missing.length + stalePending.length > 0) {
      await this.#ports.deadlines.bound('getMany', call, async () => {
        await this.#loadMissing(missing, items)
        if (stalePending.length === 0) return
        const answers = await this.#readStalePending(stalePending)
        for (const [index, { id }] of stalePending.entries()) items.set(id, answers[index]!.item)
      })
    }
    return ids.map((id) => items.get(id))
  }

  #route(consistency: Consistency): Route {
    return routeOf(consistency, this.#ports.freshness.state)
  }

  #inMemory(id: string, route: Route): KeptItem | undefined {
    const { memory, telemetry } = this.#ports
    if (!route.memory) return undefined
    const startedMs = telemetry.observer.operation === undefined ? 0 : telemetry.clock.monotonicMs()
    const item = memory.get(id)
    if (item !== undefined) reportGet(this.#ports.telemetry, 'L1', 'hit', startedMs)
    return item
  }

  async #readBelowMemory(
    id: string,
    route: Route,
    call: GetCall,
    operation: 'get' | 'contains',
  ): Promise<ReadAnswer> {
    const { pending, deadlines, telemetry } = this.#ports
    if (route.pending === 'compares') return deadlines.bound(operation, call, () => this.#readSource(id))
    const startedMs = telemetry.observer.operation === undefined ? 0 : telemetry.clock.monotonicMs()
    const write = pending.read(id)
    if (write !== undefined) {
      reportGet(this.#ports.telemetry, 'L1', 'hit', startedMs)
      if (this.#isSure(id, route)) return answerFrom('pending', this.#pendingItem(write))
      return deadlines.bound(operation, call, async () => (await this.#readStalePending([write]))[0]!)
    }
    checkId(id)
    reportGet(this.#ports.telemetry, 'L1', 'miss', startedMs)
    if (this.#isDenied(id, route)) return answerFrom('filter', undefined)
    return deadlines.bound(operation, call, () => this.#load(id, route.sharesWithMemory))
  }

  async #loadMissing(missing: readonly string[], items: Map<string, KeptItem | undefined>): Promise<void> {
    const readAtMs = this.#ports.telemetry.clock.monotonicMs()
    const loaded = await this.#loads.runMany(
      missing.map((id) => ({ id, knownFloor: this.#knownFloor(id) })),
      (asked) => this.#tiers.loadMany(asked),
    )
    const outdated: string[] = []
    for (const [index, { result, verdict }] of loaded.entries()) {
      const id = missing[index]!
      if (this.#isOutdated(result, verdict, readAtMs)) outdated.push(id)
      else items.set(id, this.#itemOf(result, id))
    }
    if (outdated.length > 0) {
      // Something newer is known than what came: only the archive itself may contradict that. All are asked in one call.
      const answers = await this.#tiers.askArchiveMany(outdated)
      for (const [index, id] of outdated.entries()) items.set(id, this.#itemOf(answers[index]!, id))
    }
  }

  async #readSource(id: string): Promise<ReadAnswer> {
    checkId(id)
    const before = this.#ports.pending.read(id)
    return this.#newestOf(await this.#tiers.askArchive(id), id, before)
  }

  /**
   * What the archive has answered, or an own pending write where that is newer: one pending before the archive was asked, as it
   * may have been flushed behind the archive's answer, and one pending now.
   */
  #newestOf(lookup: Lookup, id: string, before: ItemWrite | undefined): ReadAnswer {
    // Error is not absence, and a pending write need not be the newest [R1].
    if (lookup.kind === 'unknown') return answerFrom('archive', this.#itemOf(lookup, id))
    const write = this.#ports.pending.read(id) ?? before
    if (write !== undefined && isNewer(write.stamp, stampOf(lookup))) {
      return answerFrom('pending', this.#pendingItem(write))
    }
    // The archive's own bytes, not what memory has under the same stamp.
    const item = lookup.kind === 'found' ? new KeptItem(lookup.item) : undefined
    return answerFrom('archive', item)
  }

  /**
   * Own pending writes while the heads have not been heard for longer than Δ, or after rows of the ledger were missed for good:
   * another process may have written something newer, and the archive is asked, once about all, for no longer than Δ. Where it does not answer, an own write stands.
   */
  async #readStalePending(writes: readonly ItemWrite[]): Promise<readonly ReadAnswer[]> {
    const ids = writes.map(({ id }) => id)
    const lookups = await this.#askArchiveWithinStaleness(ids)
    return Promise.all(
      writes.map(async (write, index) => {
        const { id } = write
        const lookup = lookups?.[index]
        if (lookup !== undefined && lookup.kind !== 'unknown') return this.#newestOf(lookup, id, write)
        const still = this.#ports.pending.read(id)
        // Flushed, or superseded by what was heard of meanwhile: no longer the newest for sure.
        const isGone = still === undefined && this.#route('local').memory
        if (isGone) return this.#load(id, true)
        return answerFrom('pending', this.#pendingItem(still ?? write), true)
      }),
    )
  }

  async #askArchiveWithinStaleness(ids: readonly string[]): Promise<readonly Lookup[] | undefined> {
    const { deadlines, freshness } = this.#ports
    try {
      return await deadlines.within(freshness.stalenessMs, 'asking the archive', () =>
        this.#tiers.askArchiveMany(ids),
      )
    } catch (error) {
      if (!(error instanceof TierUnavailable)) throw error
      return undefined
    }
  }

  /** Whether an own pending write is the newest of its id as far as Δ allows. */
  #isSure(id: string, route: Route): boolean {
    return route.pending === 'answers' && this.#ports.pending.isSure(id)
  }

  /** R3: "absent" without asking L3, only from a trusted filter, and never for a write that it has not heard of. */
  #isDenied(id: string, route: Route): boolean {
    const { known, filter } = this.#ports
    return route.filter && known.get(id)?.isInFilter !== false && filter.denies(id)
  }

  /** @param mayBeMemorys whether the answer may be memory's copy of the write that was found, parsed before */
  async #load(id: string, mayBeMemorys: boolean): Promise<ReadAnswer> {
    const readAtMs = this.#ports.telemetry.clock.monotonicMs()
    const knownFloor = this.#knownFloor(id)
    const { result, verdict } = await this.#loads.run(
      id,
      knownFloor,
      async () => (await this.#tiers.loadMany([id]))[0]!,
    )
    // Something newer is known than what came: only the archive itself may contradict that.
    const isOutdated = this.#isOutdated(result, verdict, readAtMs)
    if (isOutdated)
      return answerFrom('archive', this.#itemOf(await this.#tiers.askArchive(id), id, mayBeMemorys))
    return answerFrom(result.from, this.#itemOf(result, id, mayBeMemorys))
  }

  /** Older than what is known of the id; or true of a moment more than Δ before the read, as it joined a load that took long [R5]. */
  #isOutdated(answer: Answer, verdict: LoadVerdict, readAtMs: number): boolean {
    return verdict === 'outdated' || !this.#ports.freshness.isRecent(answer.asOfMs, readAtMs)
  }

  #knownFloor(id: string): Stamp | undefined {
    return newerStamp(this.#ports.known.get(id)?.stamp, this.#ports.memory.peek(id)?.item.stamp)
  }

  #itemOf(lookup: Lookup, id: string, mayBeMemorys = true): KeptItem | undefined {
    switch (lookup.kind) {
      case 'absent':
        return undefined
      case 'unknown':
        // Error is not absence [R1].
        throw new TierUnavailable(`the archive cannot say whether the item exists: ${lookup.because}`, {
          cause: lookup.cause,
        })
      case 'found':
        return mayBeMemorys ? this.#sharedItem(id, lookup.item) : new KeptItem(lookup.item)
    }
  }

  /** Memory's own object where it keeps this very write, so that its value is parsed once. */
  #sharedItem(id: string, item: StoredItem): KeptItem {
    const kept = this.#ports.memory.peek(id)?.item
    return kept !== undefined && equalStamps(kept.stamp, item.stamp) ? kept : new KeptItem(item)
  }

  #pendingItem(write: ItemWrite | undefined): KeptItem | undefined {
    if (write?.bytes === undefined) return undefined
    return this.#sharedItem(write.id, itemOf({ ...write, bytes: write.bytes }))
  }
}
