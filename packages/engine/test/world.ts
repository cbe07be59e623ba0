import { createBranchSet, type CacheTier, type Clock } from '@se/core'
import {
  createFakeClock,
  createPowerLossFileSystem,
  memoryArchive,
  memoryCache,
  seededRandom,
  type FakeClock,
  type MemoryArchive,
  type MemoryCacheServer,
  type PowerLossFileSystem,
} from '@se/core/testing'
import { addLeaves, createRowDigester, decodeLeaf, DigestTree, encodeLeaf, leafDelta } from '@se/merkle'
import { createEngine, type Engine, type EngineConfig, type EngineObserver } from '../src/index.ts'

/** An archive, a cache and any number of engines on them, each with a log directory of its own. */
export interface World extends AsyncDisposable {
  /** Stands still until it is told to move. */
  readonly clock: FakeClock
  /** Of all engines; each has a directory of its own on it. */
  readonly disk: PowerLossFileSystem
  readonly archive: MemoryArchive
  readonly cache: MemoryCacheServer
  /**
   * @param directory name of the log directory; the same name is the same instance
   */
  engine(directory: string, more?: Partial<EngineConfig> & { readonly withoutCache?: boolean }): Engine
  /** The archive connection of the engine made last under a name, for its switches. */
  archiveOf(directory: string): MemoryArchive
  /** The cache connection of the engine made last under a name. */
  cacheOf(directory: string): CacheTier
  /** What the engine made last under a name has told. */
  told(directory: string): Told
  pathOf(directory: string): string
  /** Copies a log directory as it is on disk now, without the lock of whoever has it open. */
  copy(from: string, to: string): Promise<void>
}

export interface Told {
  readonly trust: { view: string; isTrusted: boolean; because: string }[]
  readonly faults: { part: string; what: string; error: unknown }[]
  readonly parked: number
  readonly superseded: number
  readonly falsePositives: number
  readonly filterChecks: Record<string, number>
}

/** Archive and cache in memory, with the digests and trees of `@se/merkle`. */
export function createMemoryTiers(options: { clock: Clock; seed: number; isExclusive?: boolean }): {
  archive: MemoryArchive
  cache: MemoryCacheServer
} {
  const archive = memoryArchive({
    digestRow: (write, key) => createRowDigester(key).digest(write),
    foldPages(pages, rows, branches) {
      const tree = new DigestTree(branches)
      for (const { branch, page, bytes } of pages) tree.setPage(branch, page, bytes)
      for (const row of rows) tree.apply(row.entries)
      const addresses = new Set<string>()
      for (const { branch, bucket } of tree.leaves()) addresses.add(`${branch}:${bucket >> 8}`)
      return [...addresses].map((address) => {
        const [branch = 0, page = 0] = address.split(':').map(Number)
        return { branch, page, bytes: tree.page(branch, page)! }
      })
    },
    clock: options.clock,
    random: seededRandom(options.seed),
    isExclusive: options.isExclusive ?? false,
  })
  return { archive, cache: createMemoryCache(options.seed + 1) }
}

/** A cache server in memory, with the leaf sums of `@se/merkle`. */
export function createMemoryCache(seed: number): MemoryCacheServer {
  return memoryCache({
    random: seededRandom(seed),
    addEntry: (sums, entry) => encodeLeaf(addLeaves(decodeLeaf(sums), leafDelta(entry))),
  }).server
}

export async function createWorld(options: { isExclusive?: boolean } = {}): Promise<World> {
  const clock = createFakeClock()
  const disk = createPowerLossFileSystem({ sectorBytes: 4096 })
  const { archive, cache } = createMemoryTiers({
    clock,
    seed: 1,
    isExclusive: options.isExclusive ?? false,
  })
  await archive.open({ branches: createBranchSet(), digests: 'keyed' })
  const engines: Engine[] = []
  const archives = new Map<string, MemoryArchive>()
  const caches = new Map<string, CacheTier>()
  const observed = new Map<string, Told>()
  return {
    clock,
    disk,
    archive,
    cache,
    engine(directory, more = {}) {
      const { withoutCache, ...config } = more
      const connection = archive.peer()
      const cacheConnection = cache.connect()
      archives.set(directory, connection)
      caches.set(directory, cacheConnection)
      const { told, observer } = listen()
      observed.set(directory, told)
      const engine = createEngine({
        log: {
          directory: pathOf(directory),
          // The simulated disk keeps every sector: small segments are made quickly.
          limits: { segmentBytes: 64 * 1024, bytesMax: 1024 * 1024 },
        },
        archive: connection,
        ...(withoutCache === true ? {} : { cache: cacheConnection }),
        clock,
        observer,
        fileSystem: disk,
        ...config,
      })
      engines.push(engine)
      return engine
    },
    archiveOf: (directory) => archives.get(directory)!,
    cacheOf: (directory) => caches.get(directory)!,
    told: (directory) => observed.get(directory)!,
    pathOf,
    async copy(from, to) {
      await disk.makeDirectory(pathOf(to))
      for (const name of await disk.list(pathOf(from))) {
        if (!name.includes('lock')) {
          disk.plant(`${pathOf(to)}/${name}`, await disk.readFile(`${pathOf(from)}/${name}`))
        }
      }
    },
    async [Symbol.asyncDispose]() {
      for (const engine of engines) {
        if (engine.phase === 'Ready' || engine.phase === 'Failed') await engine.stop()
      }
    },
  }
}

function listen(): { told: Told; observer: EngineObserver } {
  const told = {
    trust: [] as Told['trust'],
    faults: [] as Told['faults'],
    parked: 0,
    superseded: 0,
    falsePositives: 0,
    filterChecks: {} as Record<string, number>,
  }
  return {
    told,
    observer: {
      trust: (event) => void told.trust.push(event),
      fault: (event) => void told.faults.push(event),
      parked: ({ count }) => void (told.parked += count),
      superseded: ({ count }) => void (told.superseded += count),
      falsePositive: () => void told.falsePositives++,
      filterChecked: ({ result }) => void (told.filterChecks[result] = (told.filterChecks[result] ?? 0) + 1),
    },
  }
}

function pathOf(directory: string): string {
  return `/world/${directory}`
}
