import type { ArchiveDescription, Clock, FileSystem, InstanceClaim, Random } from '@se/core'
import type { Log } from '@se/wal'
import type { ParsedConfig } from '../config.ts'
import type { ParkingLot } from '../flush/parking.ts'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { GuardedCache } from '../guard/guard-cache.ts'
import type { EngineObserver } from '../observer/observer.ts'
import type { Channel } from '../seam/channel.ts'

/** What the engine was given, with the tiers behind their guards. */
export interface EngineDependencies {
  readonly config: ParsedConfig
  readonly archive: GuardedArchive
  readonly cache: GuardedCache | undefined
  readonly observer: EngineObserver
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  /** Makes the channel between the planes of a start. */
  readonly openChannel: () => Channel
}

/** What a start has opened before there are parts. */
export interface Opened {
  readonly log: Log
  readonly parking: ParkingLot
  readonly description: ArchiveDescription
  readonly claim: InstanceClaim
}

/** What the first step of a start opens. */
export type OpenedLog = Pick<Opened, 'log' | 'parking'>
