import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, StartReport } from '@se/engine'
import type { Checks } from './checks.ts'
import type { Place } from './place.ts'

/** What a run that ended well leaves for the next one to be held to. */
interface LastRun {
  readonly cut: string
  readonly root: string
  /** Whether the cache was there, and which. */
  readonly cache: string
}

const FILE = 'last-run.json'

/** Notes where the engine stands, to be written once it has stopped. Call while it runs. */
export async function noteRun(engine: Engine, place: Place): Promise<() => Promise<void>> {
  const { cut, archive: root } = await engine.roots()
  const note: LastRun = { cut, root, cache: cacheName(place) }
  return () => writeFile(join(place.directory, FILE), `${JSON.stringify(note)}\n`)
}

/**
 * Holds a start to what the last run left: where nothing has been written since, the start must be trusted and
 * have had nothing to repair.
 *
 * @returns one line for people
 */
export async function compareWithLastRun(
  engine: Engine,
  start: StartReport,
  place: Place,
  checks: Checks,
): Promise<string> {
  const path = join(place.directory, FILE)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  // A run that does not end well leaves no note.
  await rm(path, { force: true })
  const last = parseNote(text)
  if (last === undefined) return 'there is no earlier run to compare with'
  const { cut } = engine.status()
  if (cut !== last.cut) return 'others have written since the last run'
  const figures = (name: string) => start.steps.find((step) => step.name === name)?.figures ?? {}
  checks.equal(figures('tree')['root'], last.root, 'the root is the one the last run left')
  checks.equal(figures('cf_restore')['how'], 'snapshot', 'the filter comes from its snapshot')
  checks.equal(figures('cf_restore')['caughtUpBatches'], 0, 'the snapshot of the filter stands at the heads')
  if (start.cache === undefined || last.cache !== cacheName(place)) return 'as the last run left it; checked'
  const { created, reset, advanced, differingLeaves, removedIds, invalidatedLeaves, unsettled } = start.cache
  if (place.cache.kind === 'given' && created > 0)
    return 'as the last run left it, but Redis has lost its data'
  checks.equal(
    created + reset + advanced + unsettled,
    0,
    'every stripe of the cache stands where the last run left it',
  )
  checks.equal(differingLeaves.length + invalidatedLeaves.length, 0, 'no leaf of the cache differs')
  checks.equal(removedIds.length, 0, 'nothing in the cache is repaired')
  return 'as the last run left it: root, filter snapshot and cache compared, nothing repaired; checked'
}

function parseNote(text: string | undefined): LastRun | undefined {
  try {
    const note = JSON.parse(text ?? '') as Partial<LastRun>
    const isWhole = [note.cut, note.root, note.cache].every((field) => typeof field === 'string')
    return isWhole ? (note as LastRun) : undefined
  } catch {
    return undefined
  }
}

function cacheName({ cache }: Place): string {
  switch (cache.kind) {
    case 'off':
      return 'off'
    case 'private':
      return `private ${cache.prefix}`
    case 'given':
      return `given ${new URL(cache.url).host} ${cache.prefix}`
  }
}
