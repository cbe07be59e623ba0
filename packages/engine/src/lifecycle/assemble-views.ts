import type { BackClient } from '../seam/back-client.ts'
import { AskableStripes } from '../views/askable-stripes.ts'
import { FilterView } from '../views/filter-view.ts'
import { FollowedViews } from '../views/followed-views.ts'
import { Freshness } from '../views/freshness.ts'
import { HeadsPoll } from '../views/heads-poll.ts'
import type { Knowledge } from './assemble-knowledge.ts'
import type { EngineDependencies, Opened } from './dependencies.ts'

/** What the front knows of the state of the archive, and how recent that is. */
export interface FrontViews {
  readonly filter: FilterView
  readonly followed: FollowedViews
  /** `undefined`: there is no cache. */
  readonly stripes: AskableStripes | undefined
  readonly freshness: Freshness
  readonly poll: HeadsPoll
}

export function assembleViews(
  { config, cache, observer, clock }: EngineDependencies,
  { description, claim }: Pick<Opened, 'description' | 'claim'>,
  { heard, known }: Pick<Knowledge, 'heard' | 'known'>,
  back: BackClient,
): FrontViews {
  const { stalenessMs } = config
  const filter = new FilterView(config.filter, observer)
  const followed = new FollowedViews({ filter, heard }, claim.archiveId)
  const stripes =
    cache === undefined ? undefined : new AskableStripes({ cache, followed, known, clock, stalenessMs })
  const freshness = new Freshness(clock, { isExclusive: description.isExclusive, stalenessMs })
  const poll = new HeadsPoll({ back, known, freshness, telemetry: { clock, observer } })
  return { filter, followed, stripes, freshness, poll }
}
