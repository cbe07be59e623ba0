import assert from 'node:assert/strict'
import { InstanceFenced } from '@se/core'
import { WrongPhase } from '../index.ts'
import { pass } from './time.ts'
import { describeAction, type Action } from './actions.ts'
import type { Issued } from './issued.ts'
import { Anomaly } from './anomaly.ts'
import { calm, numberOf, perform, restart } from './perform.ts'
import { SWITCHES, writeScript, type Script, type Switch } from './script.ts'
import { IDS } from './writer.ts'
import { isAheadOfRestore } from './verifying.ts'
import { STALENESS_MS, World, type Process } from './world.ts'

/** A cache that a stranger seemed to move is tried again after a minute without a move, ms. */
const QUIET_MS = 65_000

export interface SimulationOptions {
  /** u32. */
  readonly seed: number
  /** Actions of the script, at least. */
  readonly steps: number
  /** Default: all. */
  readonly switches?: readonly Switch[]
}

export interface SimulationOutcome {
  readonly acknowledged: number
  readonly reads: number
  /** All that happened, line by line. */
  readonly history: readonly string[]
}

/** A run that broke a promise. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed'
  /** Of the promise; for other errors their message. */
  readonly rule: string

  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.rule = cause instanceof Anomaly ? cause.rule : String(cause).split('\n')[0]!.slice(0, 80)
  }
}

/**
 * Runs the script of a seed.
 *
 * @throws SimulationFailed naming the seed, which repeats it, and what happened
 */
export async function simulate(options: SimulationOptions): Promise<SimulationOutcome> {
  const { seed, steps, switches = SWITCHES } = options
  return run(writeScript(seed, steps, new Set(switches)))
}

/** @throws SimulationFailed */
export async function run(script: Script): Promise<SimulationOutcome> {
  const world = new World(script)
  const unhandled: unknown[] = []
  const listen = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', listen)
  try {
    await world.begin()
    for (const [index, action] of script.actions.entries()) {
      world.note(`#${index} ${describeAction(action)}`)
      await perform(world, action)
      if (world.broken !== undefined) throw world.broken
    }
    await end(world)
    if (world.broken !== undefined) throw world.broken
    assert.deepEqual(unhandled, [], 'no promise is rejected behind everybody')
    const { issued } = world.model
    return {
      acknowledged: issued.filter(({ acknowledgedOrder }) => acknowledgedOrder !== undefined).length,
      reads: world.history.filter((line) => line.includes(' reads ')).length,
      history: world.history,
    }
  } catch (error) {
    const last = world.history.slice(-Number(process.env.SE_HISTORY ?? 40))
    throw new SimulationFailed(
      `seed ${script.seed}, ${JSON.stringify(script.variant)}, ${String(error)}; what happened:\n  ${last.join('\n  ')}`,
      error,
    )
  } finally {
    process.off('unhandledRejection', listen)
    for (const each of world.processes) each.gate.closeForEver()
  }
}

/** Everything answers again, everything is flushed: every copy must prove one and the same state. */
async function end(world: World): Promise<void> {
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
  // A process that takes the cache for a copy's tries it again once nothing foreign has moved for a minute.
  if (world.processes.some((each) => world.isTakenForCopys(each))) await pass(world.clock, QUIET_MS)
  for (const each of world.processes) await checkAtEnd(world, each)
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

function expect(rule: string, isKept: boolean, otherwise: string): void {
  if (!isKept) throw new Anomaly(rule, otherwise)
}

/** Tries shorter scripts until none is left that breaks the same rule. Slow, and worth it. */
export async function shrink(script: Script, rule: string): Promise<Script> {
  let actions: readonly Action[] = script.actions
  const fails = async (some: readonly Action[]): Promise<boolean> => {
    try {
      await run({ ...script, actions: some })
      return false
    } catch (error) {
      return error instanceof SimulationFailed && error.rule === rule
    }
  }
  for (let size = Math.ceil(actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < actions.length;) {
      const shorter = [...actions.slice(0, at), ...actions.slice(at + size)]
      if (await fails(shorter)) actions = shorter
      else at += size
    }
  }
  return { ...script, actions }
}
