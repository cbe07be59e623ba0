import type { ArchiveTier, BranchSet, CacheTier } from '@se/core'
import type { RowDigester } from '@se/merkle'
import type { CacheView } from '../cache-view.ts'
import type { LedgerFollower } from '../ledger-follower.ts'

/** The copies in the back that are compared, and what they are compared with. */
export interface BackVerifyPorts {
  readonly archive: Pick<ArchiveTier, 'readTree' | 'readTail' | 'scanRows' | 'getMany'>
  readonly cache: Pick<CacheTier, 'getMany'> | undefined
  readonly cacheView: CacheView | undefined
  readonly follower: LedgerFollower
  readonly branches: BranchSet
  readonly digester: RowDigester
}
