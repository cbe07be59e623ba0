import {
  config,
  createBranchSet,
  InvalidConfig,
  VALUE_BYTES_MAX,
  type ArchiveTier,
  type BranchSet,
  type CacheTier,
  type Clock,
  type FileSystem,
  type Random,
} from '@se/core'
import type { LogLimits, LogObserver } from '@se/wal'
import type { BatchLimits } from './flush/batch-policy.ts'
import type { SpaceLimits } from './flush/space.ts'
import type { Logger } from './logger.ts'
import type { EngineObserver } from './observer.ts'

/** What a write is acknowledged for; see the table of DESIGN §7 and the README. */
export type Level = 'memory' | 'log' | 'archive'

/** What `createEngine` takes. Every field but `log.directory` and `archive` has a default. */
export interface EngineConfig {
  /** The local write-ahead log, and beside it instance.json, filter.snapshot and parked items. */
  readonly log: {
    /** One process at a time; created if missing. On a disk that keeps what it has synced. */
    readonly directory: string
    /** Bounds of the log; defaults of `@se/wal`. */
    readonly limits?: Partial<LogLimits>
  }
  /** L3, the ground truth: `sqliteArchive(…)` or `mysqlArchive(…)`. */
  readonly archive: ArchiveTier
  /** L2; without one the engine has two tiers. */
  readonly cache?: CacheTier
  /** Id prefixes with a tree of their own. Stored in the archive at creation; another set is refused. */
  readonly branches?: readonly string[]
  /** `keyed` (default): row digests are keyed with a secret kept in the archive. Used at creation only. */
  readonly digests?: 'keyed' | 'unkeyed'
  readonly memory?: {
    /** Bound of L1, bytes. Default 256 MiB, from 1 MiB. Unflushed items count and are never evicted. */
    readonly bytesMax?: number
  }
  readonly pending?: {
    /** Items acknowledged and not yet in L3. Default 100,000. */
    readonly itemsMax?: number
    /** Their bytes. Default 128 MiB. */
    readonly bytesMax?: number
    /** At the bound writers `wait` (default) or are `refuse`d. */
    readonly onFull?: 'wait' | 'refuse'
  }
  readonly flush?: {
    /** A batch is cut at so many items. Default 1,000, 1 to 10,000. */
    readonly itemsMax?: number
    /** … or bytes. Default 1 MiB. */
    readonly bytesMax?: number
    /** … or ms after its first item. Default 100, 0 to 60,000. */
    readonly delayMs?: number
  }
  readonly filter?: {
    /** Ids it is made for; it grows beyond. Default 100,000. */
    readonly capacity?: number
    /** Default 0.0001, from 0.00001 to 0.5. */
    readonly falsePositiveRate?: number
  }
  /** Largest value accepted, bytes. Default 8 MiB. */
  readonly valueBytesMax?: number
  /** Δ: how old, in ms, what this process knows of other processes may be. Default 500, from 50. */
  readonly stalenessMs?: number
  /** Ledger rows older than this are pruned once folded, ms. Default 24 h. A view that was away longer starts over. */
  readonly ledgerAgeMs?: number
  /** Tombstones are kept so long, ms. Default 7 days. */
  readonly tombstoneAgeMs?: number
  readonly observer?: EngineObserver
  /** Told of syncs, recovery and failures of the log. */
  readonly logObserver?: LogObserver
  /** pino-compatible. */
  readonly logger?: Logger
  readonly clock?: Clock
  readonly random?: Random
  readonly fileSystem?: FileSystem
}

/** The configuration, checked, frozen and with every default filled in. */
export interface ParsedConfig {
  readonly logDirectory: string
  readonly logLimits: Partial<LogLimits> | undefined
  readonly branchPrefixes: readonly string[]
  readonly branches: BranchSet
  readonly digests: 'keyed' | 'unkeyed'
  readonly memoryBytesMax: number
  readonly space: SpaceLimits
  readonly batch: BatchLimits
  readonly filter: { readonly capacity: number; readonly falsePositiveRate: number }
  readonly valueBytesMax: number
  readonly stalenessMs: number
  readonly ledgerAgeMs: number
  readonly tombstoneAgeMs: number
}

const FIELDS = [
  'log',
  'archive',
  'cache',
  'branches',
  'digests',
  'memory',
  'pending',
  'flush',
  'filter',
  'valueBytesMax',
  'stalenessMs',
  'ledgerAgeMs',
  'tombstoneAgeMs',
  'observer',
  'logObserver',
  'logger',
  'clock',
  'random',
  'fileSystem',
]
const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

/** @throws InvalidConfig naming the field and what it may be */
export function parseConfig(given: EngineConfig): ParsedConfig {
  if (given === null || typeof given !== 'object') throw new InvalidConfig('config', 'must be an object')
  config.onlyFields('', given, FIELDS)
  if (given.log === null || typeof given.log !== 'object') throw new InvalidConfig('log', 'must be an object')
  config.onlyFields('log', given.log, ['directory', 'limits'])
  if (typeof given.archive?.putBatch !== 'function')
    throw new InvalidConfig('archive', 'must be an archive tier')
  if (given.cache !== undefined && typeof given.cache.put !== 'function') {
    throw new InvalidConfig('cache', 'must be a cache tier')
  }
  const memory = given.memory ?? {}
  const pending = given.pending ?? {}
  const flush = given.flush ?? {}
  const filter = given.filter ?? {}
  config.onlyFields('memory', memory, ['bytesMax'])
  config.onlyFields('pending', pending, ['itemsMax', 'bytesMax', 'onFull'])
  config.onlyFields('flush', flush, ['itemsMax', 'bytesMax', 'delayMs'])
  config.onlyFields('filter', filter, ['capacity', 'falsePositiveRate'])
  const branches = createBranchSet(given.branches)
  const valueBytesMax = config.integer('valueBytesMax', given.valueBytesMax, {
    default: VALUE_BYTES_MAX,
    min: 1,
    max: 1024 * MIB,
  })
  const parsed: ParsedConfig = {
    logDirectory: config.string('log.directory', given.log.directory),
    logLimits: given.log.limits,
    branchPrefixes: given.branches ?? [],
    branches,
    digests: config.oneOf('digests', given.digests, ['keyed', 'unkeyed'], 'keyed'),
    memoryBytesMax: config.integer('memory.bytesMax', memory.bytesMax, {
      default: 256 * MIB,
      min: MIB,
      max: Number.MAX_SAFE_INTEGER,
    }),
    space: {
      itemsMax: config.integer('pending.itemsMax', pending.itemsMax, {
        default: 100_000,
        min: 1,
        max: 100_000_000,
      }),
      bytesMax: config.integer('pending.bytesMax', pending.bytesMax, {
        default: 128 * MIB,
        min: valueBytesMax,
        max: Number.MAX_SAFE_INTEGER,
      }),
      whenFull: config.oneOf('pending.onFull', pending.onFull, ['wait', 'refuse'], 'wait'),
    },
    batch: {
      itemsMax: config.integer('flush.itemsMax', flush.itemsMax, { default: 1_000, min: 1, max: 10_000 }),
      bytesMax: config.integer('flush.bytesMax', flush.bytesMax, { default: MIB, min: 1, max: 1024 * MIB }),
      ageMsMax: config.integer('flush.delayMs', flush.delayMs, { default: 100, min: 0, max: 60_000 }),
    },
    filter: {
      capacity: config.integer('filter.capacity', filter.capacity, {
        default: 100_000,
        min: 1,
        max: 2 ** 30,
      }),
      falsePositiveRate: config.number('filter.falsePositiveRate', filter.falsePositiveRate, {
        default: 0.0001,
        min: 1e-5,
        max: 0.5,
      }),
    },
    valueBytesMax,
    stalenessMs: config.integer('stalenessMs', given.stalenessMs, { default: 500, min: 50, max: HOUR_MS }),
    ledgerAgeMs: config.integer('ledgerAgeMs', given.ledgerAgeMs, {
      default: 24 * HOUR_MS,
      min: 1_000,
      max: YEAR_MS,
    }),
    tombstoneAgeMs: config.integer('tombstoneAgeMs', given.tombstoneAgeMs, {
      default: 7 * 24 * HOUR_MS,
      min: 1_000,
      max: 10 * YEAR_MS,
    }),
  }
  return Object.freeze(parsed)
}
