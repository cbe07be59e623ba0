/** What stands for archive and cache in a simulated world; a user's own may take the place of each. */
import {
  readFields,
  refuseInput,
  type ArchiveTier,
  type CacheTier,
  type Clock,
  type Cut,
  type StoredItem,
} from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import type { MemoryArchiveBackup, MemoryCacheServer, StripeSnapshot } from '@se/core/testing'
import { createMemoryCache, createMemoryTiers, MEMORY_TIER_FIELDS } from '../memory-tiers.ts'

export interface CacheSettings {
  /** Of the world; stands still until a script lets time pass. */
  readonly clock: Clock
  /** u32; everything random follows from it. */
  readonly seed: number
}

export interface ArchiveSettings extends CacheSettings {
  /** Whether one process is to have the archive to itself. */
  readonly isExclusive: boolean
}

/**
 * An archive that several processes are connected to.
 *
 * That it is out of reach, slow, or answers no commit, is done by the world, in front of its connections. What it cannot do is left
 * out of the runs.
 */
export interface ArchiveServer {
  /** The connection of a process; another one at each of its starts. Not opened yet. */
  connect(): ArchiveTier
  /** A backup of everything. */
  backup?(): unknown
  /** Goes back to a backup, for all connections. */
  restoreTo?(backup: unknown): void
  /** The run is over. */
  close?(): void | Promise<void>
}

/** A cache that several processes are connected to. What it cannot do is left out of the runs. */
export interface CacheServer {
  /** The connection of a process; another one at each of its starts. Not opened yet. */
  connect(): CacheTier
  /** `false`: lookups answer `unknown`, everything else throws `TierUnavailable`. */
  setAvailable(isAvailable: boolean): void
  /** Loses the entry of an id. */
  evict?(id: string): void
  /** Loses the meta of a stripe; its entries stay. */
  dropMeta?(stripe: number): void
  /** Loses everything. */
  clear?(): void
  /** Changes the entry of an id, if there is one; no checksum tells. */
  tamper?(id: string, change: (item: StoredItem) => StoredItem): void
  /** A dump of everything. */
  dump?(): unknown
  /** Goes back to a dump, while no connection is lost by it. */
  restore?(dump: unknown): void
  /**
   * Where each stripe stands, also while the cache does not answer; `undefined`: it has no meta. A cache that cannot say so is never
   * blamed for what `verify` says of it in the middle of a run.
   */
  cuts?(): readonly (Cut | undefined)[]
  /** The run is over. */
  close?(): void | Promise<void>
}

/** Each may be left out: then it is the world's own. */
export interface SimulatedTiers {
  readonly archive?: ((settings: ArchiveSettings) => ArchiveServer) | undefined
  /** Called once for each cache of the world. */
  readonly cache?: ((settings: CacheSettings) => CacheServer) | undefined
}

/** The archive in memory of `@se/core/testing`, with the digests of `@se/merkle`. @throws InvalidInput naming the setting */
export function memoryArchiveServer(settings: ArchiveSettings): ArchiveServer {
  const { archive } = createMemoryTiers(settings)
  return {
    connect: () => archive.peer(),
    backup: () => archive.backup(),
    restoreTo: (backup) => archive.restoreTo(backup as MemoryArchiveBackup),
  }
}

/** The cache in memory of `@se/core/testing`, with the leaf sums of `@se/merkle`. @throws InvalidInput naming the setting */
export function memoryCacheServer(settings: CacheSettings): CacheServer {
  const { seed } = readFields('', settings, MEMORY_TIER_FIELDS, refuseInput)
  const server = createMemoryCache(seed)
  return {
    connect: () => server.connect(),
    setAvailable: (isAvailable) => server.setAvailable(isAvailable),
    evict: (id) => server.evict(id),
    dropMeta: (stripe) => server.dropMeta(stripe),
    clear: () => server.clear(),
    tamper: (id, change) => server.tamper(id, change),
    dump: () => stripesOf(server),
    restore: (dump) => {
      for (const stripe of dump as readonly StripeSnapshot[]) server.restore(stripe)
    },
    cuts: () => stripesOf(server).map(cutOf),
  }
}

function stripesOf(server: MemoryCacheServer): readonly StripeSnapshot[] {
  return Array.from({ length: STRIPE_COUNT }, (_, stripe) => server.snapshot(stripe))
}

function cutOf({ spaces }: StripeSnapshot): Cut | undefined {
  const [space] = spaces.values()
  const meta = space?.metas[0]
  return typeof meta === 'object' ? meta.cut : undefined
}
