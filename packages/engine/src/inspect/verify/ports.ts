import type { ArchiveTier } from '@se/core'
import type { RowDigester } from '@se/merkle'
import type { MemoryTier } from '../../memory/memory-tier.ts'
import type { BackClient } from '../../seam/back-client.ts'
import type { Telemetry } from '../../telemetry.ts'
import type { FilterView } from '../../views/filter-view.ts'
import type { FollowedViews } from '../../views/followed-views.ts'
import type { HeadsPoll } from '../../views/heads-poll.ts'

/** The copies in the front that are compared, what they are compared with, and the way to those in the back. */
export interface VerifyPorts {
  readonly back: Pick<BackClient, 'ask'>
  readonly archive: Pick<ArchiveTier, 'backend' | 'getMany'>
  readonly followed: Pick<FollowedViews, 'cut' | 'tree'>
  readonly filter: Pick<FilterView, 'trust' | 'digest'>
  readonly memory: Pick<MemoryTier, 'peek' | 'drop' | 'ids'>
  readonly poll: Pick<HeadsPoll, 'now'>
  readonly digester: RowDigester
  readonly telemetry: Telemetry
}
