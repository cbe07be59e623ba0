import { compareStamps, isNewer, type ItemWrite, type Stamp } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { sizeOfWrite } from './batch-policy.ts'
import { FlushQueue } from './flush-queue.ts'
import type { Batch, BatchOutcome, LoggedWrite } from './outcomes.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const STEPS = 60_000
const LIMITS = { itemsMax: 6, bytesMax: 120 }

interface ModelWrite {
  readonly write: ItemWrite
  readonly logSequence: number | undefined
  readonly level: 'log' | 'memory' | 'archive'
  readonly order: number
  /** Of an `archive` write: whether its caller was told. */
  isTold: boolean
  /** Something newer of the id was heard of. */
  isOvertaken: boolean
}

/** The naive model: every acknowledged write of an id since its generation began, in a list; or one `archive` write. */
interface ModelGroup {
  readonly id: string
  readonly kind: 'pending' | 'commit'
  readonly order: number
  writes: ModelWrite[]
}

const newestOf = (writes: readonly ModelWrite[]) =>
  writes.reduce<ModelWrite | undefined>(
    (best, each) => (isNewer(each.write.stamp, best?.write.stamp) ? each : best),
    undefined,
  )
const newestIn = (group: ModelGroup) => newestOf(group.writes)!
const keyOf = ({ id, stamp }: ItemWrite) => `${id} ${stamp.time}.${stamp.instance}`
const isAtLeast = (a: Stamp | undefined, b: Stamp) => a !== undefined && compareStamps(a, b) >= 0

/**
 * Goal: reads give the newest acknowledged write that nothing newer was heard of; batches take the oldest ids, each once, with
 * its newest write; no log record is released before the archive (or the parking file) has its write or a newer one, and all
 * are released in the end; each caller hears exactly once, and of success only when the archive has its write or a newer
 * one; the budget is given back exactly. Method: random calls against lists that coalesce nothing; what a batch has
 * stored is heard of before the batch is settled, as the pipeline does it.
 */
it('agrees with a model that keeps every write [W1, W2, W3, W6, P8, P59]', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const ids = Array.from({ length: 12 }, (_, index) => `${'ab'[index % 2]}${index}`)
  const queue = new FlushQueue({ itemsMax: 1_000, bytesMax: 1_000_000, whenFull: 'refuse' })
  const { pending, commits, budget, lowWaterMark } = queue

  let waiting: ModelGroup[] = []
  let inFlight: { batch: Batch; groups: ModelGroup[]; isOut: boolean } | undefined
  /** Newest stamp the archive holds. */
  const stored = new Map<string, Stamp>()
  /** Writes in the parking file. */
  const parked = new Set<string>()
  /** Not released yet. */
  const logged: ModelWrite[] = []
  /** Appended, and not added yet: appends come back in any order. */
  const onTheWay: ModelWrite[] = []
  let time = 0
  let appended = 0
  let order = 0
  let released = 0
  const told = { made: 0, heard: 0 }
  const seen = { uncovered: 0, coalesced: 0, superseded: 0, setBack: 0, bothKinds: 0, overtaken: 0 }

  const fail = (what: string): never => {
    throw new Error(`${what}; seed ${SEED}`)
  }
  const groupsOf = (id: string) => [...waiting, ...(inFlight?.groups ?? [])].filter((each) => each.id === id)
  const readModel = (id: string) => {
    const groups = groupsOf(id).filter(({ kind }) => kind === 'pending')
    const newest = newestOf(groups.map(newestIn))
    return newest?.isOvertaken === true ? undefined : newest?.write
  }

  const hearOutcome = (made: ModelWrite, kind: string) => {
    if (made.isTold) fail('a caller was told twice')
    made.isTold = true
    told.heard += 1
    const isKept = isAtLeast(stored.get(made.write.id), made.write.stamp)
    if ((kind === 'won' || kind === 'superseded') && !isKept) {
      fail(`a caller was told ${kind}, and the archive has nothing as new`)
    }
  }

  const add = (made: ModelWrite) => {
    const { write, logSequence, level } = made
    if (level === 'archive') {
      waiting.push({ id: write.id, kind: 'commit', order: made.order, writes: [made] })
      const waiter = {
        resolve: ({ kind }: { kind: string }) => hearOutcome(made, kind),
        reject: () => fail('nothing was abandoned'),
      }
      commits.add(write, 0, { waiter })
      return
    }
    pending.add(write, logSequence, 0)
    const group = waiting.find((each) => each.kind === 'pending' && each.id === write.id)
    if (group === undefined) {
      waiting.push({ id: write.id, kind: 'pending', order: made.order, writes: [made] })
    } else {
      seen.coalesced += 1
      group.writes.push(made)
    }
  }

  /** The archive is known to hold something at least as new. */
  const supersede = (id: string, by: Stamp) => {
    for (const group of groupsOf(id)) {
      for (const each of group.writes) {
        if (compareStamps(each.write.stamp, by) < 0) each.isOvertaken = true
      }
    }
    const isDropped = (group: ModelGroup) =>
      group.id === id && compareStamps(newestIn(group).write.stamp, by) < 0
    const dropped = waiting.filter(isDropped).length
    seen.superseded += dropped
    commits.overtake(id, by)
    expect(queue.supersede(id, by)).toBe(dropped)
    waiting = waiting.filter((group) => !isDropped(group))
  }

  const settle = (choose: () => 'won' | 'superseded' | 'bad' | 'set-back') => {
    const { batch, groups } = inFlight!
    const again: ModelGroup[] = []
    const covered = new Map<number, LoggedWrite>()
    const outcomes = groups.map((group, index): BatchOutcome => {
      const newest = newestIn(group)
      const { id, stamp } = newest.write
      if (batch.outgoing[index]!.isOvertaken !== newest.isOvertaken) {
        fail('what overtook a write is not known')
      }
      if (group.kind === 'commit' && newest.isOvertaken) seen.overtaken += 1
      const isHeld = isAtLeast(stored.get(id), stamp)
      const kind = isHeld ? 'superseded' : choose()
      if (kind === 'won') stored.set(id, stamp)
      if (kind === 'superseded' && !isHeld) stored.set(id, { time: stamp.time + 1, instance: 9 })
      if (kind === 'set-back') {
        seen.setBack += 1
        again.push(group)
        return { kind }
      }
      if (kind === 'won') return { kind, version: 1, createdAtMs: 0, wasLive: false }
      if (kind === 'superseded') return { kind, by: stored.get(id)!, isFromFuture: false }
      if (group.kind === 'commit') return { kind: 'rejected', error: new Error('refused') }
      parked.add(keyOf(newest.write))
      // What it covers at level `memory` is nowhere any more.
      const older = newestOf(group.writes.filter((each) => each !== newest && each.logSequence !== undefined))
      if (older !== undefined) {
        const from = queue.coveredFrom(batch, index)
        if (from === undefined || from > older.logSequence!)
          fail('an older write in the log is not looked for')
        seen.uncovered += 1
        covered.set(index, { write: older.write, logSequence: older.logSequence! })
        // It is read as the one that covered it was, and needs all records that its generation needed.
        older.isOvertaken = newest.isOvertaken
        again.push({
          ...group,
          writes: group.writes.filter((each) => !isNewer(each.write.stamp, older.write.stamp)),
        })
      }
      return { kind: 'parked', because: 'refused-data' }
    })
    for (const [index, { kind }] of outcomes.entries()) {
      const { id } = batch.writes[index]!
      if (kind === 'won' || kind === 'superseded') supersede(id, stored.get(id)!)
    }
    inFlight = undefined
    queue.settle(batch, outcomes, covered)
    for (const group of again) {
      const later =
        group.kind === 'pending'
          ? waiting.find(({ kind, id }) => kind === 'pending' && id === group.id)
          : undefined
      if (later !== undefined) {
        waiting = waiting.filter((each) => each !== later)
        group.writes = [...group.writes, ...later.writes]
      }
      waiting.push(group)
    }
    waiting.sort((a, b) => a.order - b.order)
  }

  const check = (step: number) => {
    for (const id of ids) {
      if (pending.read(id) !== readModel(id)) fail(`step ${step}: reading ${id} differs from the model`)
      const newest = newestOf(groupsOf(id).map(newestIn))?.write.stamp
      if (queue.newestStamp(id) !== newest) fail(`step ${step}: the newest of ${id} differs from the model`)
    }
    const releasable = lowWaterMark.releasable()
    if (releasable < released) fail(`step ${step}: released ${released}, then ${releasable}`)
    for (const { logSequence, write } of logged) {
      if (logSequence! > releasable) continue
      if (!isAtLeast(stored.get(write.id), write.stamp) && !parked.has(keyOf(write))) {
        fail(`step ${step}: record ${logSequence} of ${write.id} released, and nothing holds it`)
      }
    }
    released = releasable
    while (logged.length > 0 && logged[0]!.logSequence! <= releasable) logged.shift()

    const groups = [...(inFlight?.groups ?? []), ...waiting]
    const bytesOf = (all: readonly ModelGroup[]) =>
      all.reduce((sum, group) => sum + sizeOfWrite(newestIn(group).write), 0)
    const { used } = budget
    const bytes = bytesOf(groups)
    if (used.items !== groups.length || used.bytes !== bytes || pending.bytes + commits.bytes !== bytes) {
      fail(`step ${step}: budget ${used.items}/${used.bytes}, the model has ${groups.length}/${bytes}`)
    }
    if (queue.count !== groups.length) fail(`step ${step}: ${queue.count} writes`)
    const oldest = Math.min(order + 1, ...groups.map((each) => each.order))
    if (queue.settledThrough !== oldest - 1)
      fail(`step ${step}: settled through ${queue.settledThrough}, not ${oldest - 1}`)
    if (queue.queue.items !== waiting.length || queue.queue.bytes !== bytesOf(waiting)) {
      fail(`step ${step}: what waits differs`)
    }
  }

  const makeWrite = (): ModelWrite => {
    const level = random.pick(['log', 'log', 'log', 'memory', 'archive', 'archive'] as const)
    time += 1
    const stamp = {
      time: random.chance(0.1) ? Math.max(1, time - random.below(20)) : time,
      instance: 1 + random.below(2),
    }
    const bytes = random.chance(0.2) ? undefined : new Uint8Array(random.below(40))
    return {
      write: { id: random.pick(ids), stamp, state: '', contentType: '', bytes },
      logSequence: level === 'log' ? (appended += 1) : undefined,
      level,
      order: 0,
      isTold: false,
      isOvertaken: false,
    }
  }
  const addNext = (made: ModelWrite) => {
    const { id, stamp } = made.write
    // Two writes of one stamp are one write: the model would not know which object is kept.
    const isKnown = groupsOf(id).some(({ writes }) =>
      writes.some(({ write }) => compareStamps(write.stamp, stamp) === 0),
    )
    if (isKnown) {
      if (made.logSequence !== undefined) lowWaterMark.report(made.logSequence)
      return
    }
    order += 1
    if (made.level === 'archive') told.made += 1
    if (made.level === 'log') {
      logged.push(made)
      logged.sort((a, b) => a.logSequence! - b.logSequence!)
    }
    add({ ...made, order })
  }

  const take = () => {
    const taken = queue.takeBatch(LIMITS)
    if (inFlight !== undefined) {
      if (taken !== inFlight.batch) fail('another batch than the one put back')
      inFlight.isOut = true
      return
    }
    let bytes = 0
    const groups: ModelGroup[] = []
    for (const { id } of waiting) {
      if (groups.some((each) => each.id === id)) continue
      const ofId = waiting.filter((each) => each.id === id)
      const newest = ofId.reduce((a, b) =>
        isNewer(newestIn(b).write.stamp, newestIn(a).write.stamp) ? b : a,
      )
      if (new Set(ofId.map(({ kind }) => kind)).size === 2) seen.bothKinds += 1
      const size = sizeOfWrite(newestIn(newest).write)
      if (groups.length > 0 && (groups.length >= LIMITS.itemsMax || bytes + size > LIMITS.bytesMax)) break
      groups.push(newest)
      bytes += size
    }
    if (taken === undefined) {
      if (groups.length > 0) fail('no batch, though something waits')
      return
    }
    waiting = waiting.filter((each) => !groups.includes(each))
    inFlight = { batch: taken, groups, isOut: true }
    const writes = groups.map((each) => newestIn(each).write)
    if (taken.writes.length !== writes.length || taken.writes.some((each, index) => each !== writes[index])) {
      fail('the batch differs from the model')
    }
    if (taken.bytes !== bytes) fail('the bytes of the batch differ from the model')
  }

  for (let step = 0; step < STEPS; step++) {
    const kind = random.below(100)
    if (kind < 50) {
      const made = makeWrite()
      if (made.logSequence !== undefined && random.chance(0.3)) onTheWay.push(made)
      else addNext(made)
    } else if (kind < 65) {
      const [made] = onTheWay.splice(random.below(onTheWay.length), 1)
      if (made !== undefined) addNext(made)
    } else if (kind < 80) {
      if (inFlight?.isOut !== true) take()
    } else if (kind < 95) {
      if (inFlight?.isOut === true) {
        if (random.chance(0.25)) {
          queue.putBack(inFlight.batch)
          inFlight.isOut = false
        } else {
          settle(() => random.pick(['won', 'won', 'won', 'superseded', 'bad', 'set-back'] as const))
        }
      }
    } else {
      const id = random.pick(ids)
      const by = { time: Math.max(1, time - random.below(30)), instance: 9 }
      // Only what is in the archive is ever heard.
      if (!isAtLeast(stored.get(id), by)) stored.set(id, by)
      supersede(id, by)
    }
    if (step % 4 === 0) check(step)
  }

  for (const made of onTheWay.splice(0)) addNext(made)
  while (waiting.length > 0 || inFlight !== undefined) {
    if (inFlight?.isOut !== true) take()
    if (inFlight !== undefined) settle(() => 'won')
  }
  check(STEPS)
  expect(lowWaterMark.releasable()).toBe(appended)
  expect(budget.used).toEqual({ items: 0, bytes: 0 })
  expect(told.heard).toBe(told.made)
  expect([...pending.entries()]).toEqual([])
  // The run has met what it is about.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20)
})
