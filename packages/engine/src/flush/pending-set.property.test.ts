import { compareStamps, type ItemWrite, type Stamp } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { sizeOfWrite } from './batch-policy.ts'
import { PendingSet, type BatchInFlight, type BatchOutcome, type SettledOutcome } from './pending-set.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const STEPS = 60_000
const LIMITS = { itemsMax: 6, bytesMax: 120 }

interface ModelWrite {
  readonly write: ItemWrite
  readonly logSequence: number | undefined
  readonly isVisible: boolean
  readonly order: number
  waiter: 'none' | 'waiting' | 'told'
  /** A newer one was heard of, and it is not read any more. */
  isHidden: boolean
}

/** The naive model: every write ever added to an id since its generation began, in a list. */
interface ModelGeneration {
  readonly id: string
  order: number
  writes: ModelWrite[]
}

const newestOf = (writes: readonly ModelWrite[]) =>
  writes.reduce<ModelWrite | undefined>(
    (best, each) =>
      best === undefined || compareStamps(each.write.stamp, best.write.stamp) > 0 ? each : best,
    undefined,
  )
const isAtLeast = (a: Stamp | undefined, b: Stamp) => a !== undefined && compareStamps(a, b) >= 0

/**
 * Goal: reads give the newest visible write; batches take the oldest ids with their newest write; no log record
 * is released before the archive (or the parking file) has its write or a newer one, and all are released in
 * the end; each waiter hears exactly once; space is given back exactly. Method: random calls against lists
 * that coalesce nothing.
 */
it('agrees with a model that keeps every write [W1, W2, W3, W6, P8, P59]', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const ids = Array.from({ length: 12 }, (_, index) => `${'ab'[index % 2]}${index}`)
  const set = new PendingSet({ itemsMax: 1_000, bytesMax: 1_000_000, whenFull: 'refuse' })

  let next: ModelGeneration[] = []
  let inFlight: { batch: BatchInFlight; generations: ModelGeneration[]; isOut: boolean } | undefined
  /** Newest stamp the archive, or the parking file, holds. */
  const stored = new Map<string, Stamp>()
  const parked = new Map<string, Stamp>()
  const logged: ModelWrite[] = []
  /** Appended, and not added yet: appends come back in any order. */
  const onTheWay: ModelWrite[] = []
  let time = 0
  let appended = 0
  let order = 0
  let waitersMade = 0
  let waitersTold = 0
  const seen = { released: 0, uncovered: 0, coalesced: 0, superseded: 0, setBack: 0 }

  const fail = (what: string): never => {
    throw new Error(`${what}; seed ${SEED}`)
  }
  const visibleOf = (generation: ModelGeneration | undefined) =>
    newestOf((generation?.writes ?? []).filter((each) => each.isVisible && !each.isHidden))
  const readModel = (id: string) => {
    const candidates = [
      visibleOf(next.find((each) => each.id === id)),
      visibleOf(inFlight?.generations.find((each) => each.id === id)),
    ].filter((each) => each !== undefined)
    return newestOf(candidates)?.write
  }

  const add = (made: ModelWrite) => {
    set.add(made.write, made.logSequence, 0, {
      isVisible: made.isVisible,
      ...(made.waiter === 'none'
        ? {}
        : {
            waiter: {
              resolve: (outcome: SettledOutcome) => {
                if (made.waiter !== 'waiting') fail('a waiter was told twice')
                made.waiter = 'told'
                waitersTold += 1
                const isKept = isAtLeast(stored.get(made.write.id), made.write.stamp)
                if ((outcome.kind === 'won' || outcome.kind === 'superseded') && !isKept) {
                  fail(`a waiter was told ${outcome.kind}, and the archive has nothing as new`)
                }
              },
              reject: () => fail('nothing was abandoned'),
            },
          }),
    })
    const generation = next.find((each) => each.id === made.write.id)
    if (generation === undefined) {
      next.push({ id: made.write.id, order: made.order, writes: [made] })
    } else {
      seen.coalesced += 1
      generation.writes.push(made)
    }
  }

  const settle = (choose: () => 'won' | 'superseded' | 'bad' | 'set-back') => {
    const { batch, generations } = inFlight!
    const again: ModelGeneration[] = []
    const outcomes = generations.map((generation): BatchOutcome => {
      const newest = newestOf(generation.writes)!
      const { id, stamp } = newest.write
      const isHeld = isAtLeast(stored.get(id), stamp)
      const kind = isHeld ? 'superseded' : choose()
      if (kind === 'won') stored.set(id, stamp)
      if (kind === 'superseded' && !isHeld) stored.set(id, { time: stamp.time + 1, instance: 9 })
      if (kind === 'set-back') {
        seen.setBack += 1
        again.push(generation)
        return { kind: 'set-back' }
      }
      if (kind !== 'bad') {
        return kind === 'won'
          ? { kind: 'won', version: 1, createdAtMs: 0, wasLive: false }
          : { kind: 'superseded', by: stored.get(id)!, isFromFuture: false }
      }
      const covered = visibleOf(generation)
      if (covered !== undefined && covered !== newest) {
        seen.uncovered += 1
        // What was hidden or never visible is gone with the newest.
        const writes = generation.writes.filter((each) => each.isVisible && !each.isHidden)
        again.push({ ...generation, writes })
      }
      if (!newest.isVisible) return { kind: 'rejected', error: new Error('refused') }
      if (!isAtLeast(parked.get(id), stamp)) parked.set(id, stamp)
      return { kind: 'parked', because: 'refused-data' }
    })
    inFlight = undefined
    set.settle(batch, outcomes)
    for (const generation of again.reverse()) {
      const index = next.findIndex((each) => each.id === generation.id)
      if (index >= 0) {
        const [newer] = next.splice(index, 1)
        next.unshift({ ...newer!, order: generation.order, writes: [...generation.writes, ...newer!.writes] })
      } else {
        next.unshift(generation)
      }
    }
  }

  const check = (step: number) => {
    for (const id of ids) {
      if (set.read(id) !== readModel(id)) fail(`step ${step}: reading ${id} differs from the model`)
    }
    const releasable = set.releasable()
    if (releasable < seen.released) fail(`step ${step}: released ${seen.released}, then ${releasable}`)
    for (const each of logged) {
      if (each.logSequence! <= releasable) {
        const { id, stamp } = each.write
        if (!isAtLeast(stored.get(id), stamp) && !isAtLeast(parked.get(id), stamp)) {
          fail(`step ${step}: record ${each.logSequence} of ${id} released, and nobody holds it`)
        }
      }
    }
    seen.released = releasable
    // What is released has been looked at.
    while (logged.length > 0 && logged[0]!.logSequence! <= releasable) logged.shift()

    const generations = [...(inFlight?.generations ?? []), ...next]
    let items = 0
    let bytes = 0
    for (const generation of generations) {
      for (const held of new Set([newestOf(generation.writes)!, visibleOf(generation)])) {
        if (held === undefined) continue
        items += 1
        bytes += sizeOfWrite(held.write)
      }
    }
    const { used } = set.space
    if (used.items !== items || used.bytes !== bytes || set.stats.bytes !== bytes) {
      fail(`step ${step}: space ${used.items}/${used.bytes}, the model has ${items}/${bytes}`)
    }
    if (set.stats.items !== generations.length) fail(`step ${step}: ${set.stats.items} items`)
    const oldest = Math.min(order + 1, ...generations.map((each) => each.order))
    if (set.settledThrough !== oldest - 1)
      fail(`step ${step}: settled through ${set.settledThrough}, not ${oldest - 1}`)
    const queued = next.reduce((sum, each) => sum + sizeOfWrite(newestOf(each.writes)!.write), 0)
    if (set.queue.items !== next.length || set.queue.bytes !== queued) fail(`step ${step}: queue differs`)
  }

  const makeWrite = (): ModelWrite => {
    const level = random.pick(['log', 'log', 'log', 'memory', 'archive'] as const)
    time += 1
    const stamp = {
      time: random.chance(0.1) ? Math.max(1, time - random.below(20)) : time,
      instance: 1 + random.below(2),
    }
    const made: ModelWrite = {
      write: {
        id: random.pick(ids),
        stamp,
        state: '',
        contentType: '',
        bytes: random.chance(0.2) ? undefined : new Uint8Array(random.below(40)),
      },
      logSequence: level === 'log' ? (appended += 1) : undefined,
      isVisible: level !== 'archive',
      order: 0,
      waiter: level === 'archive' ? 'waiting' : 'none',
      isHidden: false,
    }
    if (level === 'log') logged.push(made)
    if (level === 'archive') waitersMade += 1
    return made
  }
  const addNext = (made: ModelWrite) => {
    order += 1
    // Two writes of one stamp are one write: the model would not know which object is kept.
    const isKnown = [...next, ...(inFlight?.generations ?? [])].some((generation) =>
      generation.writes.some(
        (each) => each.write.id === made.write.id && compareStamps(each.write.stamp, made.write.stamp) === 0,
      ),
    )
    if (!isKnown) return add({ ...made, order })
    order -= 1
    if (made.waiter === 'waiting') waitersMade -= 1
    if (made.logSequence === undefined) return
    logged.splice(logged.indexOf(made), 1)
    set.skip(made.logSequence)
  }

  const take = () => {
    const taken = set.takeBatch(LIMITS)
    if (inFlight !== undefined) {
      if (taken !== inFlight.batch) fail('another batch than the one put back')
      inFlight.isOut = true
      return
    }
    let bytes = 0
    const expected: ModelGeneration[] = []
    for (const generation of next) {
      const size = sizeOfWrite(newestOf(generation.writes)!.write)
      if (expected.length > 0 && (expected.length >= LIMITS.itemsMax || bytes + size > LIMITS.bytesMax)) break
      expected.push(generation)
      bytes += size
    }
    if (taken === undefined) {
      if (expected.length > 0) fail('no batch, though something waits')
      return
    }
    next = next.slice(expected.length)
    inFlight = { batch: taken, generations: expected, isOut: true }
    const writes = expected.map((each) => newestOf(each.writes)!.write)
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
      const index = random.below(onTheWay.length)
      const [made] = onTheWay.splice(index, 1)
      if (made !== undefined) addNext(made)
    } else if (kind < 80) {
      if (inFlight?.isOut !== true) take()
    } else if (kind < 95) {
      if (inFlight?.isOut === true) {
        if (random.chance(0.25)) {
          set.putBack(inFlight.batch)
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
      const index = next.findIndex((each) => each.id === id)
      const isDropped = index >= 0 && compareStamps(newestOf(next[index]!.writes)!.write.stamp, by) < 0
      expect(set.supersede(id, by)).toBe(isDropped ? 1 : 0)
      for (const generation of [...next, ...(inFlight?.generations ?? [])]) {
        if (generation.id !== id) continue
        for (const each of generation.writes)
          if (compareStamps(each.write.stamp, by) < 0) each.isHidden = true
      }
      if (isDropped) {
        seen.superseded += 1
        next.splice(index, 1)
      }
    }
    if (step % 4 === 0) check(step)
  }

  for (const made of onTheWay.splice(0)) addNext(made)
  while (next.length > 0 || inFlight !== undefined) {
    if (inFlight?.isOut !== true) take()
    if (inFlight !== undefined) settle(() => 'won')
  }
  check(STEPS)
  expect(set.releasable()).toBe(appended)
  expect(set.space.used).toEqual({ items: 0, bytes: 0 })
  expect(waitersTold).toBe(waitersMade)
  expect([...set.entries()]).toEqual([])
  expect(set.inPrefixRange('')).toEqual([])
  // The run has met what it is about.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20)
})
