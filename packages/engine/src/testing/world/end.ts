/** The end of a run: everything answers again, everything is flushed, and every copy must prove one and the same state. */
import { InstanceFenced } from '@se/core'
import { WrongPhase } from '../../index.ts'
import { Anomaly, type Rule } from '../anomaly.ts'
import type { Issued } from '../model/issued.ts'
import { IDS } from '../script/writer.ts'
import { pass } from '../time.ts'
import { numberOf } from './clients.ts'
import { calm, restart } from './incidents.ts'
import { perform } from './perform.ts'
import type { Process } from './process.ts'
import { isAheadOfRestore } from './verifying.ts'
import { STALENESS_MS, type World } from './world.ts'

/** A cache that a stranger seemed to move is tried again after a minute without a move, ms. */
const QUIET_MS = 65_000

/** @throws Anomaly, or what the application's check throws */
export async function end(world: World): Promise<void> {
  world.isRefusing = false
  world.disturbances++
  await calm(world)
  for (const each of world.processes) {
    // A log that has failed takes nothing more; the next start finds out what it holds.
    if (each.isDiskSuspect) restart(world, each)
    await world.answered(each)
    expect('start', each.state === 'up', `process ${each.number} does not start`)
  }
  // Who does not know yet that the archive has gone back behind its own batches learns it by the first of these writes.
  for (const each of world.processes) await writeOnceMore(world, each, flushOrStartAnew)
  for (const each of world.processes) {
    const written = await writeOnceMore(world, each, () => world.settle(each.engine.flush()))
    world.model.checkStored(written)
  }
  for (let round = 0; round < 2; round++) {
    for (const each of world.processes) await world.settle(each.engine.flush())
  }
  // A process that takes the cache for a copy’s tries it again once nothing foreign has moved for a minute.
  if (world.processes.some((each) => world.isTakenForCopys(each))) await pass(world.clock, QUIET_MS)
  for (const each of world.processes) await checkAtEnd(world, each)
  const engines = world.processes.map(({ engine }) => engine)
  await world.settle(Promise.resolve(world.application?.check?.(engines)))
}

async function flushOrStartAnew(world: World, process: Process): Promise<void> {
  try {
    await world.settle(process.engine.flush())
  } catch (error) {
    // Its flush in the background may have been told before.
    const isFenced = error instanceof WrongPhase && error.cause instanceof InstanceFenced
    if (!isFenced && !(error instanceof InstanceFenced)) throw error
    restart(world, process)
    await world.answered(process)
    await world.settle(process.engine.flush())
  }
}

/** Whatever has happened, from now on every process writes as if nothing had [P67]. */
async function writeOnceMore(
  world: World,
  process: Process,
  flush: (world: World, process: Process) => Promise<unknown>,
): Promise<readonly Issued[]> {
  const { issued } = world.model
  const before = issued.length
  for (const id of IDS.slice(0, 3)) {
    const value = 1_000_000 + issued.length
    await perform(world, { do: 'write', process: process.number, id, value, level: 'log', isLarge: false })
  }
  await world.answered(process)
  await flush(world, process)
  return issued.slice(before)
}

async function checkAtEnd(world: World, { number, engine }: Process): Promise<void> {
  const repair = world.model.damaged.size > 0
  let report = await world.settle(engine.verify({ deep: true, repair }))
  if (!report.isTrusted) {
    // A stripe whose cut looks foreign is looked at again after Δ.
    await pass(world.clock, 2 * STALENESS_MS)
    report = await world.settle(engine.verify({ deep: true, repair }))
  }
  // Delivered to the cache before a poll, for a commit that the archive lost before that poll: it is found, and repaired, where
  // the cache is not so slow just then that it is not asked.
  for (let round = 0; round < 5; round++) {
    if (!report.views.every((view) => view.isTrusted || isAheadOfRestore(world, view))) break
    if (report.isTrusted) break
    await world.settle(engine.verify({ deep: true, repair: true }))
    report = await world.settle(engine.verify({ deep: true }))
  }
  expect('verify', report.isTrusted, `process ${number}: ${JSON.stringify(report.views)}`)
  const roots = await world.settle(engine.roots())
  expect('roots', roots.agree, `process ${number}: ${JSON.stringify(roots)}`)
  for (const id of IDS) {
    for (const consistency of ['local', 'shared', 'source'] as const) {
      const item = await world.settle(engine.get(id, { consistency }))
      const held = item && { number: numberOf(item), stamp: item.stamp, version: item.version }
      world.model.checkFinal(id, held, `process ${number}, ${consistency}`)
      const fast = engine.containsFast(id)
      expect('fast', fast !== (item === undefined ? 'present' : 'absent'), `containsFast(${id}) says ${fast}`)
    }
  }
  const { gauges } = engine.status()
  expect('pending', gauges.pendingItems === 0, `${gauges.pendingItems} items are pending`)
  expect(
    'released',
    gauges.walEntries === 0,
    `${gauges.walEntries} records are not released, and all is settled`,
  )
}

function expect(rule: Rule, isKept: boolean, otherwise: string): void {
  if (!isKept) throw new Anomaly(rule, otherwise)
}
