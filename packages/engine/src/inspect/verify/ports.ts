import type { ArchiveTier, BranchSet, CacheTier } from '@se/core'
import type { RowDigester } from '@se/merkle'
import type { MemoryTier } from '../../memory/memory-tier.ts'
import type { Telemetry } from '../../telemetry.ts'
import type { CacheView } from '../../back/cache-view.ts'
import type { FilterView } from '../../views/filter-view.ts'
import type { HeadsPoll } from '../../views/heads-poll.ts'
import type { LedgerFollower } from '../../back/ledger-follower.ts'

/** The copies that are compared, and what they are compared with. */
export interface VerifyPorts {
  readonly archive: Pick<ArchiveTier, 'backend' | 'readTree' | 'readTail' | 'scanRows' | 'getMany'>
  readonly cache: Pick<CacheTier, 'getMany' | 'readReceipt' | 'invalidateLeaves'> | undefined
  readonly cacheView: CacheView | undefined
  readonly follower: LedgerFollower
  readonly filter: FilterView
  readonly memory: Pick<MemoryTier, 'peek' | 'drop' | 'ids'>
  readonly poll: Pick<HeadsPoll, 'now'>
  readonly branches: BranchSet
  readonly digester: RowDigester
  readonly telemetry: Telemetry
}
