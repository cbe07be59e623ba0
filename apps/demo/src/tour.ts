import { Buffer } from 'node:buffer'
import type { Settings } from '@se/compose'
import { runCommand, type CommandContext } from './command.ts'
import type { DemoEngine } from './demo-engine.ts'
import { formatBytes, formatCount, formatCounted, formatDuration } from './format.ts'
import { ABSENT_ID, BRANCHES, SAMPLES } from './samples.ts'
import { showHowToLook } from './sections/look.ts'
import { showPlace, startEngine } from './sections/start.ts'
import { requireTrust } from './sections/verify.ts'

const FILTER = { capacity: 100_000, falsePositiveRate: 0.0001 }

interface Tour extends CommandContext {
  readonly demo: DemoEngine
}

/** The demo: five items through three tiers and back, each claim checked. @returns the exit code */
export async function runTour(settings: Settings): Promise<number> {
  const firstId = SAMPLES[0]!.id
  let redisKey: string | undefined
  return runCommand(
    settings,
    (context) =>
      context.withEngine({ filter: FILTER }, async (demo) => {
        const { place, out, checks } = context
        const tour: Tour = { ...context, demo }
        configure(tour)
        out.section('Start')
        const { isDegraded } = await startEngine(demo, place, out, checks)
        // The keys carry the archive's birth id, so a cache knows them once it was opened.
        if (!isDegraded) redisKey = demo.cache?.keyOf(firstId)
        await submit(tour)
        await flush(tour)
        await askWhatExists(tour)
        await showReads(tour)
        await showEngineMetrics(tour)
        out.section('Filter and cache verified against the tree')
        await requireTrust(demo, out, checks)
        await showWhereItemsAre(tour)
        await showRawMetrics(tour)
      }),
    (place, out) => {
      out.section('Look at the data')
      showHowToLook(place, firstId, redisKey, out)
    },
  )
}

function configure({ demo: { engine }, place, out, checks }: Tour): void {
  out.section('Configure')
  showPlace(place, out)
  out.line(`branches with a tree of their own: ${BRANCHES.join(', ')}`)
  out.line(`filter made for ${formatCount(FILTER.capacity)} ids, false positives ${FILTER.falsePositiveRate}`)
  out.line(`state: ${engine.phase}`)
  checks.equal(engine.phase, 'Created', 'nothing is opened before the start')
}

async function submit({ demo, out, checks }: Tour): Promise<void> {
  out.section('Five entries')
  out.line('each is awaited: its record is synced to the log before the call returns')
  let totalMs = 0
  const rows: string[][] = []
  for (const { id, value } of SAMPLES) {
    const startedMs = performance.now()
    const { level } = await demo.engine.submit(id, value)
    const durationMs = performance.now() - startedMs
    totalMs += durationMs
    rows.push([id, JSON.stringify(value), formatDuration(durationMs)])
    checks.equal(level, 'log', `${id} is acknowledged as safe in the log`)
  }
  out.table(rows)
  out.line(`on average ${formatDuration(totalMs / SAMPLES.length)}`)
}

async function flush({ demo, out, checks }: Tour): Promise<void> {
  out.section('Flush')
  const { items, l2, l3, parked, superseded, batches, durationMs, cause } = await demo.engine.flush()
  out.line(
    `${formatCounted(items, 'item', 'items')} in ${formatCounted(batches, 'batch', 'batches')}, ${formatDuration(durationMs)}, ${cause}`,
  )
  out.line(`taken by L3: ${l3}, by L2: ${demo.cache === undefined ? 'off' : l2}`)
  out.line(`parked: ${parked}, superseded: ${superseded}`)
  checks.equal(l3, SAMPLES.length, 'the archive takes every entry')
  checks.equal(parked + superseded, 0, 'no entry is parked or superseded')
}

async function askWhatExists({ demo: { engine }, out, checks }: Tour): Promise<void> {
  out.section('Existence')
  const present = SAMPLES[0]!.id
  const presentFast = engine.containsFast(present)
  const isPresent = await engine.contains(present)
  const absentFast = engine.containsFast(ABSENT_ID)
  const isAbsentPresent = await engine.contains(ABSENT_ID)
  out.table([
    [`containsFast('${present}')`, presentFast, 'no I/O'],
    [`contains('${present}')`, String(isPresent), ''],
    [`containsFast('${ABSENT_ID}')`, absentFast, 'no I/O'],
    [`contains('${ABSENT_ID}')`, String(isAbsentPresent), ''],
  ])
  out.line(`the filter is ${engine.status().trust.filter ?? 'not there'}`)
  checks.equal(presentFast, 'present', `containsFast knows ${present}`)
  checks.that(isPresent, `${present} exists`)
  // A filter may say `maybe` of what is not there (one time in 10,000); `present` it may not.
  checks.that(absentFast !== 'present', `containsFast does not claim ${ABSENT_ID}`, absentFast)
  checks.that(!isAbsentPresent, `${ABSENT_ID} does not exist`)
}

/** The tier that a part of a read stands for. */
const TIER_OF = { memory: 'L1', pending: 'L1', filter: 'the filter', cache: 'L2', archive: 'L3' } as const

async function showReads({ demo: { engine }, out, checks }: Tour): Promise<void> {
  out.section('Read back')
  let totalMs = 0
  const rows: string[][] = []
  for (const { id, value } of SAMPLES) {
    const startedMs = performance.now()
    const { item, from } = await engine.read(id)
    const durationMs = performance.now() - startedMs
    totalMs += durationMs
    const text = item === undefined ? 'absent' : Buffer.from(item.bytes).toString()
    rows.push([`${id} (v${item?.version ?? '?'})`, text, formatDuration(durationMs), `from ${TIER_OF[from]}`])
    checks.equal(text, JSON.stringify(value), `${id} comes back byte for byte`)
    checks.that((item?.version ?? 0) >= 1, `${id} has a version`)
    checks.equal(from, 'memory', `${id} is in memory`)
  }
  out.table(rows)
  out.line(`on average ${formatDuration(totalMs / SAMPLES.length)}`)
}

async function showEngineMetrics({ demo: { engine, cache }, out, checks }: Tour): Promise<void> {
  out.section('Engine metrics')
  const roots = await engine.roots()
  const { gauges, trust } = engine.status()
  out.table([
    ['L1 entries', formatCount(gauges.l1Items)],
    ['L1 size', formatBytes(gauges.l1Bytes)],
    ['memory pressure', `${(gauges.memoryPressure * 100).toFixed(1)} %`],
    [
      'filter entries',
      `${formatCount(gauges.filterEntries)}, load ${(gauges.filterLoad * 100).toFixed(3)} %`,
    ],
    ['filter', trust.filter ?? 'not there'],
    ['root of L3', roots.archive],
    ['root of L2', roots.cache ?? (cache === undefined ? 'off' : 'its stripes do not stand at one cut')],
  ])
  checks.that(gauges.l1Items >= SAMPLES.length, 'the entries are in memory', String(gauges.l1Items))
  checks.that(/^[0-9a-f]{64}$/.test(roots.archive), 'the root is 64 hex digits')
  if (cache === undefined) return
  if (roots.cache !== undefined) out.line(roots.agree ? 'the roots agree' : 'the roots differ')
  checks.that(roots.agree, 'the roots of L2 and L3 agree')
}

async function showWhereItemsAre({ demo: { engine, cache }, out, checks }: Tour): Promise<void> {
  out.section('Where each item is')
  const rows: string[][] = []
  for (const { id } of SAMPLES) {
    let where = await engine.explain(id)
    let note = ''
    if (where.cache?.kind === 'absent') {
      // A put may lose against a stripe that is brought to the heads at that moment; a reader fills it in.
      await engine.get(id, { consistency: 'shared' })
      where = await engine.explain(id)
      note = 'L2 was filled by a read'
    }
    const { memory, archive, filter, leaf } = where
    const version = (tier: { readonly version: number | undefined } | undefined) => `v${tier?.version ?? '?'}`
    rows.push([
      id,
      memory === undefined ? 'L1 no' : `L1 ${version(memory)}`,
      where.cache === undefined
        ? 'L2 off'
        : `L2 ${where.cache.kind === 'found' ? version(where.cache) : where.cache.kind}`,
      `L3 ${archive.kind === 'found' ? version(archive) : archive.kind}`,
      `filter ${filter.answer}`,
      `leaf ${leaf.branch || '(default)'}#${leaf.bucket}`,
      note,
    ])
    checks.that(where.pending === undefined && memory?.isDirty === false, `${id} waits for nothing`)
    checks.equal(archive.kind, 'found', `${id} is in L3`)
    checks.equal(filter.answer, 'maybe', `the filter holds ${id}`)
    checks.equal(memory?.version, archive.version, `${id} has one version in L1 and L3`)
    if (cache !== undefined) {
      checks.equal(where.cache?.kind, 'found', `${id} is in L2`)
      checks.equal(where.cache?.version, archive.version, `${id} has one version in L2 and L3`)
    }
  }
  out.table(rows)
}

async function showRawMetrics({ demo: { metrics }, out, checks }: Tour): Promise<void> {
  out.section('Raw metrics')
  const raw = await metrics.snapshot()
  out.line(metrics.format(raw))
  const written = (tier: string) =>
    raw.counters.find(
      ({ name, labels }) => name === 'sync_engine_items_written_total' && labels['tier'] === tier,
    )
  checks.that((written('L3')?.value ?? 0) >= SAMPLES.length, 'the metrics count what L3 has taken')
}
