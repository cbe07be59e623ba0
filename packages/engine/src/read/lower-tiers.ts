import {
  isNewer,
  type CachePermit,
  type Lookup,
  type ReadsItems,
  type Stamp,
  type StampClock,
  type StoresEntries,
} from '@se/core'
import type { OperationStatus, TierName } from '../observer/events.ts'
import type { Telemetry } from '../telemetry.ts'
import type { LoadFloors, RunningLoad } from '../heard/load-floors.ts'
import type { AskableStripes, EntryWorth } from '../views/askable-stripes.ts'
import type { FilterView } from '../views/filter-view.ts'
import type { Heard } from '../heard/heard.ts'
import type { KnownWrites } from '../heard/known-writes.ts'

export interface LowerTiersPorts {
  readonly archive: ReadsItems
  readonly cache: (ReadsItems & StoresEntries) | undefined
  readonly stripes: Pick<AskableStripes, 'worthOf'> | undefined
  readonly known: Pick<KnownWrites, 'get'>
  /** What is heard of the ids that the archive is being asked about: an answer may come so late that newer is known, or forgotten again. */
  readonly asked: LoadFloors
  /** Told of what the archive itself has answered. */
  readonly heard: Pick<Heard, 'hear'>
  readonly filter: Pick<FilterView, 'trust'>
  readonly stamps: Pick<StampClock, 'isFromFuture'>
  readonly telemetry: Telemetry
}

/** What a load brought, and whether memory may keep it. */
export type Answer = Lookup & {
  readonly from: 'cache' | 'archive'
  /** False: from a stripe that may lag behind what this process has heard already, and will not hear again. */
  readonly mayKeep: boolean
  /** Monotonic ms of which it is true: nothing that was written before is missing. */
  readonly asOfMs: number
}

/** What observers are told of an answer. */
const STATUSES = { found: 'hit', absent: 'miss', unknown: 'error' } as const satisfies Record<
  Lookup['kind'],
  OperationStatus
>

/** L2 and L3, each asked once about all that is wanted of it. */
export class LowerTiers {
  readonly #ports: LowerTiersPorts

  constructor(ports: LowerTiersPorts) {
    this.#ports = ports
  }

  /** L2, then L3 for what is left; what L3 gave goes back into L2. */
  async loadMany(ids: readonly string[]): Promise<readonly Answer[]> {
    const { cache, stripes, telemetry } = this.#ports
    const answers = new Map<string, Answer>()
    const worths = new Map<string, EntryWorth>()
    for (const id of ids) {
      // Before the cache is asked: what it answers is at least worth that.
      const worth = stripes?.worthOf(id)
      if (worth !== undefined) worths.set(id, worth)
    }
    const asked = [...worths.keys()]
    if (cache !== undefined && asked.length > 0) {
      const found = await this.#askCache(cache, asked)
      for (const [index, lookup] of found.entries()) {
        const id = asked[index]!
        if (lookup.kind !== 'found') continue
        if (!this.#mayBelieveCache(id, lookup.item.stamp)) continue
        answers.set(id, { ...lookup, from: 'cache', ...worths.get(id)! })
      }
    }
    const left = ids.filter((id) => !answers.has(id))
    if (left.length > 0) {
      const permits =
        cache === undefined
          ? undefined
          : await this.#readPermits(
              cache,
              asked.filter((id) => !answers.has(id)),
            )
      const asOfMs = telemetry.clock.monotonicMs()
      const lookups = await this.askArchiveMany(left)
      for (const [index, lookup] of lookups.entries()) {
        answers.set(left[index]!, { ...lookup, from: 'archive', mayKeep: true, asOfMs })
      }
      if (cache !== undefined && permits !== undefined) this.#fill(cache, lookups, permits)
    }
    return ids.map((id) => answers.get(id)!)
  }

  /**
   * Not an entry that is older than what is known of the id, as the cache has not heard of it yet [P85]. And not one from the
   * future, as only the archive can say that there is such a write: the bytes of the entry may be damaged [P86].
   */
  #mayBelieveCache(id: string, stamp: Stamp): boolean {
    const known = this.#ports.known.get(id)?.stamp
    return !(known !== undefined && isNewer(known, stamp)) && !this.#ports.stamps.isFromFuture(stamp)
  }

  async #askCache(cache: ReadsItems, ids: readonly string[]): Promise<readonly Lookup[]> {
    const startedMs = this.#ports.telemetry.clock.monotonicMs()
    const lookups = ids.length === 1 ? [await cache.get(ids[0]!)] : await cache.getMany(ids)
    for (const lookup of lookups)
      reportGet(this.#ports.telemetry, 'L2', STATUSES[lookup.kind], startedMs, ids.length)
    return lookups
  }

  async askArchive(id: string): Promise<Lookup> {
    return (await this.askArchiveMany([id]))[0]!
  }

  async askArchiveMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    const { archive, asked, filter, heard, telemetry } = this.#ports
    const startedMs = telemetry.clock.monotonicMs()
    const loads = ids.map((id) => asked.begin(id, undefined))
    let lookups: readonly Lookup[]
    try {
      lookups = ids.length === 1 ? [await archive.get(ids[0]!)] : await archive.getMany(ids)
    } finally {
      for (const load of loads) asked.cancel(load)
    }
    for (const [index, lookup] of lookups.entries()) {
      reportGet(this.#ports.telemetry, 'L3', STATUSES[lookup.kind], startedMs, ids.length)
      const stamp = stampOf(lookup)
      if (stamp !== undefined && !isOlder(stamp, loads[index]!)) {
        heard.hear({ id: ids[index]!, stamp, isLive: lookup.kind === 'found' }, 'archive-answer')
      }
      if (lookup.kind === 'absent' && filter.trust.isTrusted) telemetry.observer.falsePositive?.()
    }
    return lookups
  }

  async #readPermits(
    cache: StoresEntries,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, CachePermit> | undefined> {
    if (ids.length === 0) return undefined
    try {
      const permits = new Map<string, CachePermit>()
      for (const permit of await cache.readPermits(ids))
        if (permit !== undefined) permits.set(permit.id, permit)
      return permits
    } catch {
      // Without a permit nothing is filled; the read itself does not suffer.
      return undefined
    }
  }

  /** Beside the read: the caller does not wait for it, and a failure is the cache's own affair. */
  #fill(cache: StoresEntries, lookups: readonly Lookup[], permits: ReadonlyMap<string, CachePermit>): void {
    const puts = lookups.flatMap((lookup) => {
      const permit = lookup.kind === 'found' ? permits.get(lookup.item.id) : undefined
      if (lookup.kind !== 'found' || permit === undefined) return []
      const { item } = lookup
      return [
        {
          write: item,
          version: item.version ?? 0,
          createdAtMs: item.createdAtMs,
          permit,
          kind: 'fill' as const,
        },
      ]
    })
    if (puts.length > 0) cache.put(puts).catch(() => {})
  }
}

/** A question to a tier has been answered. @param share ids asked for at once, by which its time is divided */
export function reportGet(
  { observer, clock }: Telemetry,
  tier: TierName,
  status: OperationStatus,
  startedMs: number,
  share = 1,
): void {
  if (observer.operation === undefined) return
  const durationMs = (clock.monotonicMs() - startedMs) / share
  observer.operation({ tier, operation: 'get', status, durationMs })
}

function isOlder(stamp: Stamp, { floor }: RunningLoad): boolean {
  return floor !== undefined && isNewer(floor, stamp)
}

/** Of the newest write that the answer tells of. */
export function stampOf(lookup: Lookup): Stamp | undefined {
  if (lookup.kind === 'found') return lookup.item.stamp
  return lookup.kind === 'absent' ? lookup.tombstone : undefined
}
