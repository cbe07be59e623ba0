import type { CallDeadlines } from '../deadline/deadline.ts'
import { LowerTiers } from '../read/lower-tiers.ts'
import { ReadPath } from '../read/read-path.ts'
import { WritePath } from '../write/write-path.ts'
import type { Flushing } from './assemble-flushing.ts'
import type { Knowledge } from './assemble-knowledge.ts'
import type { FrontViews } from './assemble-views.ts'
import type { EngineDependencies, Opened } from './dependencies.ts'

/** What calls go along. */
export interface Paths {
  readonly writes: WritePath
  readonly reads: ReadPath
}

export function assemblePaths(
  { config, archive, cache, observer, clock }: EngineDependencies,
  { log }: Pick<Opened, 'log'>,
  { heard, queue, memory, stamping, stamps, watches, known, loads, asked }: Knowledge,
  { filter, stripes, freshness }: FrontViews,
  { pipeline }: Pick<Flushing, 'pipeline'>,
  deadlines: CallDeadlines,
): Paths {
  const telemetry = { clock, observer }
  const writes = new WritePath({
    log,
    queue,
    memory,
    stamping,
    watches,
    admission: config,
    heard,
    pipeline,
    telemetry,
  })
  const reads = new ReadPath({
    tiers: new LowerTiers({ archive, cache, stripes, known, asked, heard, filter, stamps, telemetry }),
    floors: loads,
    pending: queue.pending,
    memory,
    known,
    filter,
    freshness,
    deadlines,
    telemetry,
  })
  return { writes, reads }
}
