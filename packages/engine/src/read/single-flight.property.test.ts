import type { Lookup, Stamp } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { LoadFloors } from '../heard/load-floors.ts'
import { SingleFlight } from './single-flight.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const STEPS = 60_000

/** A result that remembers which write of the archive it really reflects; 0: none yet. */
type Answer = Lookup & { readonly trueTime: number }

interface Row {
  readonly time: number
  readonly isLive: boolean
}

interface Open {
  readonly id: string
  sample?: Answer
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/**
 * Goal: a reader that starts after an acknowledged write or delete never sees an older state, and neither does
 * memory, whatever is forgotten meanwhile. Method: one archive, a pending map and a memory map; writes, flushes,
 * evictions, collected tombstones, readers and loads that sample the archive at one moment and answer at
 * another, in random order, under the rules of the read path: memory, pending, load.
 */
it('shows no reader less than what was acknowledged before it began [R2, R4, P12, P57, P58]', async () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const ids = ['a', 'b', 'c']
  const stampOf = (time: number): Stamp => ({ time, instance: 1 })
  const archive = new Map<string, Row>()
  /** Tombstones the archive has collected: it answers "absent" without a stamp. */
  const collected = new Map<string, number>()
  const pending = new Map<string, Row>()
  const memory = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  const open: Open[] = []
  const seen = { fresh: 0, overtaken: 0, outdated: 0, joined: 0, failed: 0, reads: 0, stale: 0 }
  let time = 0
  const fail = (what: string): never => {
    throw new Error(`${what}; seed ${SEED}`)
  }

  const floors = new LoadFloors()
  const loads = new SingleFlight<Answer>(floors, (id, result) => {
    if (result.trueTime < (acknowledged.get(id) ?? 0)) {
      fail(`${id}: stored ${result.trueTime}, acknowledged ${acknowledged.get(id)}`)
    }
    if (result.kind === 'found') memory.set(id, result.trueTime)
  })

  const sampleOf = (id: string): Answer => {
    const row = archive.get(id)
    if (row === undefined) return { kind: 'absent', trueTime: collected.get(id) ?? 0 }
    if (!row.isLive) return { kind: 'absent', tombstone: stampOf(row.time), trueTime: row.time }
    const stamp = stampOf(row.time)
    const item = {
      id,
      bytes: new Uint8Array(),
      stamp,
      version: 1,
      state: '',
      contentType: '',
      createdAtMs: 0,
      updatedAtMs: 0,
    }
    return { kind: 'found', item, trueTime: row.time }
  }

  const read = async (id: string): Promise<void> => {
    const least = acknowledged.get(id) ?? 0
    const judge = (got: number) => {
      seen.reads += 1
      if (got < least) fail(`${id}: a reader saw ${got}, ${least} was acknowledged before it began`)
    }
    const known = memory.get(id) ?? pending.get(id)?.time
    if (known !== undefined) return judge(known)
    // Sometimes something is known of the id without having it: a tombstone, a ledger row.
    const knownFloor = least > 0 && random.chance(0.3) ? stampOf(least) : undefined
    const before = open.length
    const flight = loads.run(
      id,
      knownFloor,
      () => new Promise<Answer>((resolve, reject) => open.push({ id, resolve, reject })),
    )
    if (open.length === before) seen.joined += 1
    try {
      const { result, verdict } = await flight
      if (verdict === 'unknown') return fail('no load answered "unknown"')
      seen[verdict] += 1
      // `outdated` here is an absence whose tombstone was collected: the archive's own answer stands.
      judge(result.trueTime)
    } catch (error) {
      if ((error as Error).message !== 'down') throw error
      seen.failed += 1
    }
  }

  const readers: Promise<void>[] = []
  for (let step = 0; step < STEPS; step++) {
    const id = random.pick(ids)
    const kind = random.below(100)
    if (kind < 25) {
      readers.push(read(id))
    } else if (kind < 45) {
      // A write or delete: raised, visible in pending, memory in line, acknowledged, in one turn.
      time += 1
      const row = { time, isLive: random.chance(0.6) }
      floors.raise(id, stampOf(time))
      pending.set(id, row)
      if (row.isLive && random.chance(0.5)) memory.set(id, time)
      else memory.delete(id)
      acknowledged.set(id, time)
    } else if (kind < 60) {
      const row = pending.get(id)
      if (row !== undefined) {
        archive.set(id, row)
        collected.delete(id)
        pending.delete(id)
      }
    } else if (kind < 65) {
      memory.delete(id)
    } else if (kind < 68) {
      const row = archive.get(id)
      if (row?.isLive === false) {
        archive.delete(id)
        collected.set(id, row.time)
      }
    } else if (open.length > 0) {
      const index = random.below(open.length)
      const load = open[index]!
      if (load.sample === undefined) load.sample = sampleOf(load.id)
      else {
        open.splice(index, 1)
        if (random.chance(0.05)) load.reject(new Error('down'))
        else load.resolve(load.sample)
        if (load.sample.trueTime < (acknowledged.get(load.id) ?? 0)) seen.stale += 1
      }
    }
    if (random.chance(0.5)) for (let turn = random.below(4); turn > 0; turn--) await Promise.resolve()
    for (const [each, at] of memory) {
      if (at < acknowledged.get(each)!)
        fail(`step ${step}: memory has ${each}@${at}, behind what was acknowledged`)
    }
    if (readers.length > 500) await drain()
  }
  await drain()
  expect(floors.count).toBe(0)
  // The run has met what it is about.
  for (const [name, count] of Object.entries(seen)) expect([name, count > 30]).toEqual([name, true])

  async function drain() {
    for (const load of open.splice(0)) load.resolve(load.sample ?? sampleOf(load.id))
    await Promise.all(readers.splice(0))
  }
})
