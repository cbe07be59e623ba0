import { turns } from '../time.ts'
import type { Action, ProcessAction } from '../script/actions.ts'
import { IDS } from '../script/writer.ts'
import { call, flush, read, readMany, retryParked, write } from './clients.ts'
import {
  backUp,
  calm,
  collect,
  dropMeta,
  dump,
  empty,
  evict,
  failDisk,
  flipStamp,
  passTime,
  restart,
  restore,
  setArchiveClock,
  setBack,
  startAgain,
} from './incidents.ts'
import type { Process } from './process.ts'
import { setAvailable } from './simulated-cache.ts'
import { verify } from './verifying.ts'
import type { World } from './world.ts'

/** What may be a reason for a check to say no, rightly. */
const DISTURBING: ReadonlySet<Action['do']> = new Set([
  'cache-answers',
  'calm',
  'collect',
  'drop-meta',
  'empty',
  'fail-disk',
  'flip-stamp',
  'kill',
  'reach',
  'restart',
  'restore',
  'set-back',
])

/** Does one action. What it sets going is not waited for, but for time itself. An action that cannot be done says so in the story. */
export async function perform(world: World, action: Action): Promise<void> {
  if (DISTURBING.has(action.do)) world.disturbances++
  switch (action.do) {
    case 'pass':
      return passTime(world, action.ms)
    case 'turns':
      return turns(action.count)
    case 'calm':
      return calm(world)
    case 'cache-answers':
      return setAvailable(world.caches[action.cache]!, action.isAvailable)
    case 'evict':
      return evict(world, action)
    case 'drop-meta':
      return dropMeta(world, action)
    case 'empty':
      return empty(world, action)
    case 'dump':
      return dump(world, action)
    case 'set-back':
      return setBack(world, action)
    case 'flip-stamp':
      return flipStamp(world, action)
    case 'back-up':
      return backUp(world)
    case 'restore':
      return restore(world, action)
    case 'collect':
      return collect(world, action)
    case 'set-archive-clock':
      return setArchiveClock(world, action)
    case 'start':
      return startAgain(world, world.processes[action.process]!)
    case 'thaw':
      return world.processes[action.process]!.gate.thaw(action.timersFirst)
    case 'set-clock':
      world.processes[action.process]!.skewMs = action.skewMs
      return
    default:
      return performOn(world, world.processes[action.process]!, action)
  }
}

/** What needs a process that runs. */
function performOn(world: World, process: Process, action: ProcessAction): void {
  const { state, number, gate } = process
  if (action.do === 'kill' && state !== 'down') return world.kill(process, action.power)
  if (process.engine.phase === 'Failed' && state === 'up') {
    world.note(`process ${number} has failed, and is started anew`)
    return restart(world, process)
  }
  if (!world.isUp(process))
    return world.note(`nothing: process ${number} is ${gate.isFrozen ? 'frozen' : state}`)
  switch (action.do) {
    case 'kill':
      return
    case 'write':
      return write(world, process, action)
    case 'read':
      return read(world, process, action.id, action.consistency)
    case 'read-everything':
      for (const id of IDS) read(world, process, id, action.consistency)
      return
    case 'read-many':
      return readMany(world, process, action.ids)
    case 'flush':
      return flush(world, process)
    case 'retry-parked':
      return retryParked(world, process, action.widen)
    case 'verify':
      return verify(world, process, action.repair)
    case 'call':
      return call(world, process, action)
    case 'freeze':
      return gate.freeze()
    case 'restart':
      return restart(world, process)
    case 'fail-disk':
      return failDisk(process)
    case 'reach':
      process.isReachable = action.isReachable
      return
    case 'fail-commit':
      process.failingCommits = { count: action.count, when: action.when }
      return
    case 'lose-puts':
      process.lostPuts = { count: action.count, how: action.how }
      return
  }
}
