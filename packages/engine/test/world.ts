import { createBranchSet, type CacheTier } from '@se/core'
import {
  createFakeClock,
  createPowerLossFileSystem,
  type FakeClock,
  type MemoryArchive,
  type MemoryCacheServer,
  type PowerLossFileSystem,
} from '@se/core/testing'
import { createEngineOn } from '../src/create-engine.ts'
import type { Engine, EngineConfig, EngineObserver } from '../src/index.ts'
import { directChannel, type Channel } from '../src/seam/channel.ts'
import { createMemoryTiers } from '../src/testing/memory-tiers.ts'

/** Makes the channels of all engines of this file's worlds. */
let openChannel: () => Channel = directChannel

/** All engines that are made from now on hold on other channels between their planes. */
export function holdOn(channel: () => Channel): void {
  openChannel = channel
}

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
      const engine = createEngineOn(openChannel, {
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
