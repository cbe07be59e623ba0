import { setImmediate } from 'node:timers/promises'
import type { Settings } from '@se/compose'
import type { Lookup, StoredItem } from '@se/core'
import type { Checks } from '../checks.ts'
import { runCommand } from '../command.ts'
import type { DemoEngine } from '../demo-engine.ts'
import { formatBytes, formatCount, formatCounted, formatDuration, formatRate } from '../format.ts'
import type { Output } from '../output.ts'
import { showPlace, startEngine } from '../sections/start.ts'
import { requireTrust } from '../sections/verify.ts'
import type { ExpectedItem } from './expected-items.ts'
import { openInput, type Input } from './input.ts'
import { startProgress } from './progress.ts'
import { readBack } from './read-back.ts'
import { submitAll, type SubmitReport } from './submit-all.ts'

export interface ImportOptions {
  /** Absolute path; `undefined`: standard input. */
  readonly file: string | undefined
  /** Lines to read at most. */
  readonly limit: number
  /** Print a line `ack <id> <SHA-256>` for each item as soon as it is acknowledged. */
  readonly isPrintingAcks: boolean
}

const MIB = 1024 * 1024
/** Room for a few hundred MiB of values, so that L1 can be read back too. */
const MEMORY_BYTES_MAX = 512 * MIB
/** Reads that may be needed until the cache has what its puts gave way for. */
const FILL_ROUNDS_MAX = 5
/** Skipped and repeated lines told one by one; the others are counted. */
const TOLD_MAX = 20

interface Import {
  readonly demo: DemoEngine
  readonly out: Output
  readonly checks: Checks
  readonly expected: ReadonlyMap<string, ExpectedItem>
}

/**
 * Loads a file of lines `{"id": …, "value": …}`, flushes, and reads every item back from each tier separately.
 *
 * @returns the exit code: 0 all equal, 1 a check failed, 2 lines were skipped
 */
export async function importItems(settings: Settings, options: ImportOptions): Promise<number> {
  const input = await openInput(options.file)
  let skipped = 0
  const code = await runCommand(settings, async ({ place, out, checks, withEngine }) => {
    out.section('Start')
    showPlace(place, out)
    await withEngine({ memory: { bytesMax: MEMORY_BYTES_MAX } }, async (demo) => {
      await startEngine(demo, place, out, checks)
      const report = await submitLines(demo, input, options, out, checks)
      skipped = report.skipped
      const job: Import = { demo, out, checks, expected: report.expected }
      await flushAll(job)
      out.section('Read back from each tier')
      out.line('compared: length and SHA-256 of the bytes')
      await readFromMemory(job)
      await readFromCache(job)
      await readFromArchive(job)
      await compareRoots(job)
    })
  })
  if (skipped > 0) process.stdout.write(`  ${formatCounted(skipped, 'line was', 'lines were')} skipped\n`)
  return code === 0 && skipped > 0 ? 2 : code
}

async function submitLines(
  { engine }: DemoEngine,
  input: Input,
  { limit, isPrintingAcks }: ImportOptions,
  out: Output,
  checks: Checks,
): Promise<SubmitReport> {
  out.section(`Import of ${input.name}`)
  const progress = startProgress('submit')
  let skippedTold = 0
  let repeatedTold = 0
  const startedMs = performance.now()
  const report = await submitAll(engine, input, limit, {
    acknowledged: (id, { digest }) => {
      if (isPrintingAcks) process.stdout.write(`ack ${id} ${digest}\n`)
    },
    skipped: (line, because) => {
      if (skippedTold++ < TOLD_MAX) out.line(`line ${line} skipped: ${because}`)
    },
    repeated: (line, id, earlierLine) => {
      if (repeatedTold++ < TOLD_MAX)
        out.line(`line ${line} repeats ${id} of line ${earlierLine}: the last one counts`)
    },
    progress: (items) => progress.show(items, input.fraction),
  })
  progress.end()
  const { lines, acknowledged, acknowledgedBytes, skipped, repeated, expected, inputError } = report
  out.line(
    `${formatCount(lines)} lines: ${formatCount(expected.size)} ids, ${formatCount(repeated)} repeated, ${formatCount(skipped)} skipped`,
  )
  out.line(
    phaseLine(
      'submit',
      acknowledged,
      performance.now() - startedMs,
      `${formatBytes(acknowledgedBytes)}, each synced to the log`,
    ),
  )
  checks.that(
    inputError === undefined,
    'the input is read to its end',
    `after line ${lines}: ${inputError?.message ?? ''}`,
  )
  checks.equal(acknowledged + skipped, lines, 'every line is acknowledged or skipped')
  return report
}

async function flushAll({ demo, out, checks, expected }: Import): Promise<void> {
  const startedMs = performance.now()
  const { l3, l2, batches, parked, superseded } = await demo.engine.flush()
  const taken = `L3 has taken ${formatCount(l3)} and L2 ${demo.cache === undefined ? 'is off' : formatCount(l2)} since the start, in ${formatCounted(batches, 'batch', 'batches')}`
  out.line(phaseLine('flush', undefined, performance.now() - startedMs, taken))
  checks.equal(parked, 0, 'no item is parked')
  checks.equal(superseded, 0, 'no item is superseded')
  checks.that(l3 >= expected.size, 'the archive has taken every item', formatCount(l3))
}

async function readFromMemory(job: Import): Promise<void> {
  const { out, checks } = job
  const { engine, metrics } = job.demo
  const raw = await metrics.snapshot()
  const evictions = raw.counters.find(({ name }) => name === 'sync_engine_evictions_total')?.value ?? 0
  const { missing } = await readTier(job, 'L1', async (ids) => {
    // The engine's polls get their turn: with peers, memory answers only within Δ of the last one [R5].
    await setImmediate()
    const items = ids.map((id) => engine.getSync(id))
    if (!items.includes(undefined)) return items
    await engine.flush()
    return ids.map((id) => engine.getSync(id))
  })
  if (missing.length === 0) return
  out.line(
    `L1 is bounded to ${formatBytes(MEMORY_BYTES_MAX)} and has given up ${formatCount(evictions)} entries`,
  )
  checks.that(missing.length <= evictions, 'L1 lacks only what it has evicted', formatCount(missing.length))
}

async function readFromArchive(job: Import): Promise<void> {
  const { missing } = await readTier(job, 'L3', async (ids) =>
    (await job.demo.archive.getMany(ids)).map(itemOf),
  )
  job.checks.equal(missing.length, 0, 'L3 holds every item')
}

async function readFromCache(job: Import): Promise<void> {
  const { demo, out, checks, expected } = job
  const { cache, engine } = demo
  if (cache === undefined) {
    out.line('L2        off')
    return
  }
  const read = async (ids: readonly string[]) => (await cache.getMany(ids)).map(itemOf)
  const { missing } = await readTier(job, 'L2', read)
  if (missing.length === 0) return
  // A put gives way where its stripe is brought to the heads at that moment, or another put of the leaf was quicker
  // (docs/formats/redis.md); a reader fills it in.
  out.line(
    `L2 had ${formatCount(expected.size - missing.length)}; the other ${formatCount(missing.length)} are read through the engine, which fills them in`,
  )
  let left: readonly string[] = missing
  for (let round = 0; left.length > 0 && round < FILL_ROUNDS_MAX; round++) {
    for (const id of left) await engine.get(id, { consistency: 'shared' })
    // A fill goes on beside its read: where the next one of the leaf is quicker, it gives way too.
    left = (await readTier(job, 'L2 again', read, left)).missing
  }
  checks.equal(left.length, 0, 'L2 holds every item that was read')
}

async function readTier(
  { out, checks, expected }: Import,
  tier: string,
  read: (ids: readonly string[]) => Promise<readonly (StoredItem | undefined)[]>,
  ids: readonly string[] = [...expected.keys()],
) {
  const progress = startProgress(tier)
  const startedMs = performance.now()
  const result = await readBack(ids, expected, read, (items) => progress.show(items, items / ids.length))
  progress.end()
  const { equal, differing, missing } = result
  const found = `${formatCount(equal)} equal, ${formatCount(differing.length)} differ, ${formatCount(missing.length)} not there`
  out.line(phaseLine(tier, ids.length, performance.now() - startedMs, found))
  checks.equal(differing.length, 0, `${tier} gives back the bytes that were given`)
  for (const id of differing.slice(0, TOLD_MAX)) out.line(`${tier} differs: ${id}`)
  return result
}

async function compareRoots({ demo, out, checks }: Import): Promise<void> {
  out.section('Roots and trust')
  const roots = await demo.engine.roots()
  out.line(`root of L3  ${roots.archive}`)
  out.line(
    `root of L2  ${roots.cache ?? (demo.cache === undefined ? 'off' : 'its stripes do not stand at one cut')}`,
  )
  if (demo.cache !== undefined) checks.that(roots.agree, 'the roots of L2 and L3 agree')
  await requireTrust(demo, out, checks, { deep: true })
}

function phaseLine(phase: string, items: number | undefined, ms: number, detail: string): string {
  const rate = items === undefined ? '' : formatRate(items, ms)
  return `${phase.padEnd(8)}  ${formatDuration(ms).padStart(7)}  ${rate.padStart(15)}  ${detail}`
}

function itemOf(lookup: Lookup): StoredItem | undefined {
  return lookup.kind === 'found' ? lookup.item : undefined
}
