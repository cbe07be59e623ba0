import type { InstanceFenced } from '@se/core'
import { assembleBack } from '../back/assemble-back.ts'
import type { CallDeadlines } from '../deadline/deadline.ts'
import { BackClient } from '../seam/back-client.ts'
import { assembleFlushing, type Flushing } from './assemble-flushing.ts'
import { assembleKnowledge, type Knowledge } from './assemble-knowledge.ts'
import { assemblePaths, type Paths } from './assemble-paths.ts'
import { assembleViews, type FrontViews } from './assemble-views.ts'
import type { EngineDependencies, Opened } from './dependencies.ts'
import { takeFromBack } from './take-from-back.ts'

/** The parts of a running engine, each the owner of its own state. */
export interface EngineParts extends Opened, Knowledge, FrontViews, Flushing, Paths {
  /** The way to the back. */
  readonly back: BackClient
}

/**
 * Wires the parts, once log and archive are open and the instance is claimed. Nothing runs yet. Each line needs those above it, and
 * none below:
 *
 *   knowledge → views → flushing → read and write path; the back behind its channel
 */
export function assemble(
  environment: EngineDependencies,
  opened: Opened,
  deadlines: CallDeadlines,
  onFenced: (error: InstanceFenced) => void,
): EngineParts {
  const channel = environment.openChannel()
  const back = new BackClient(channel.front)
  const knowledge = assembleKnowledge(environment, opened)
  const views = assembleViews(environment, opened, knowledge, back)
  const flushing = assembleFlushing(environment, opened, knowledge, views.followed, back, onFenced)
  const paths = assemblePaths(environment, opened, knowledge, views, flushing, deadlines)
  takeFromBack(channel.front, { back, ...knowledge, ...views, ...flushing })
  const { config, archive, cache, random, clock, observer } = environment
  const { branches, stalenessMs } = config
  const { description, claim } = opened
  const telemetry = { clock, observer }
  assembleBack(channel.back, {
    archive,
    cache,
    branches,
    stalenessMs,
    description,
    claim,
    random,
    telemetry,
  })
  return { ...opened, ...knowledge, ...views, ...flushing, ...paths, back }
}
