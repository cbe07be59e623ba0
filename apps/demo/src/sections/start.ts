import { createBranchSet, type LeafAddress } from '@se/core'
import { nameOf, type CacheReport, type StartReport, type StartStepName } from '@se/engine'
import type { Checks } from '../checks.ts'
import type { DemoEngine } from '../demo-engine.ts'
import { formatCounted, formatDuration, formatFigures } from '../format.ts'
import { compareWithLastRun } from '../last-run.ts'
import type { Output } from '../output.ts'
import { describeArchive, describeCache, type Place } from '../place.ts'
import { BRANCHES } from '../samples.ts'

const STEP_NAMES: Readonly<Record<StartStepName, string>> = {
  wal_init: 'log',
  sql_connect: 'archive',
  replay: 'replay',
  tree: 'root',
  cf_restore: 'filter',
  redis_connect: 'cache opened',
  redis_sync: 'cache compared',
  poll: 'heads',
}

export function showPlace(place: Place, out: Output): void {
  out.table([
    ['L3 archive', describeArchive(place.archive)],
    ['L2 cache', describeCache(place.cache)],
    ['log', place.logDirectory],
    ['kept', place.isTemporary ? 'no: temporary; SE_DATA_DIR keeps a run' : 'yes'],
  ])
}

/** Starts the engine and tells how: each step with its duration and what it found. */
export async function startEngine(
  { engine }: DemoEngine,
  place: Place,
  out: Output,
  checks: Checks,
): Promise<StartReport> {
  const report = await engine.start()
  out.table(
    report.steps.map(({ name, durationMs, figures, problem }) => [
      STEP_NAMES[name],
      formatDuration(durationMs),
      problem === undefined ? formatFigures(figures) : `not done: ${problem}`,
    ]),
  )
  if (report.cache !== undefined) out.line(describeRepair(report.cache))
  for (const [view, trust] of Object.entries(engine.status().trust)) out.line(`${view} ${trust}`)
  out.line(await compareWithLastRun(engine, report, place, checks))
  out.line(`state: ${engine.phase}, after ${formatDuration(report.durationMs)}`)
  checks.equal(engine.phase, 'Ready', 'the engine is ready')
  const problems = report.steps.flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  checks.that(!report.isDegraded, 'the engine starts with all its tiers', problems.join('; '))
  return report
}

/** What the comparison of the cache with the archive found and did. */
export function describeRepair(report: CacheReport): string {
  const { created, reset, advanced, differingLeaves, removedIds, invalidatedLeaves, unsettled } = report
  const found = [
    ...counted(created, ['stripe', 'stripes'], 'made, as there was none'),
    ...counted(reset, ['stripe', 'stripes'], 'started over'),
    ...counted(advanced, ['stripe', 'stripes'], 'brought to the heads'),
    ...counted(
      differingLeaves.length,
      ['leaf', 'leaves'],
      `behind (${listed(differingLeaves.map(nameOfLeaf))})`,
    ),
    ...counted(removedIds.length, ['id', 'ids'], `removed (${listed(removedIds)})`),
    ...counted(
      invalidatedLeaves.length,
      ['leaf', 'leaves'],
      `invalidated (${listed(invalidatedLeaves.map(nameOfLeaf))})`,
    ),
    ...counted(unsettled, ['stripe', 'stripes'], 'that would not stand still'),
  ]
  return `cache: ${found.length === 0 ? 'nothing repaired' : found.join('; ')}`
}

/** `leaf user.#1234` */
export function nameOfLeaf({ branch, bucket }: LeafAddress): string {
  return nameOf({ kind: 'leaf', branch: createBranchSet(BRANCHES).prefixes[branch] ?? '?', bucket, what: '' })
}

function counted(count: number, [one, many]: readonly [string, string], what: string): string[] {
  return count === 0 ? [] : [`${formatCounted(count, one, many)} ${what}`]
}

const LISTED_MAX = 5

function listed(names: readonly string[]): string {
  return `${names.slice(0, LISTED_MAX).join(', ')}${names.length > LISTED_MAX ? ', …' : ''}`
}
