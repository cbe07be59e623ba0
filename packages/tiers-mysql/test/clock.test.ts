import { afterEach, describe, expect, it } from 'vitest'
import { createBranchSet, stampTimeOf, type CompleteArchiveTier, type ItemWrite, type Stamp } from '@se/core'
import { createFakeClock, linkOf, memoryArchive, type FakeClock } from '@se/core/testing'
import { sqliteArchive } from '../src/sqlite/index.ts'

// Goal: an archive whose own clock jumps stays usable, and no wrong moment does harm beyond its own id [P67].

const HOUR_MS = 3_600_000
const open: CompleteArchiveTier[] = []

afterEach(async () => {
  for (const archive of open.splice(0)) await archive.close()
})

const OPTIONS = { branches: createBranchSet(), digests: 'unkeyed' } as const

describe.each([
  ['SQLite', (clock: FakeClock) => sqliteArchive({ file: ':memory:', clock })],
  [
    'memory',
    (clock: FakeClock) =>
      memoryArchive({ clock, digestRow: () => new Uint8Array(16), foldPages: (pages) => pages }),
  ],
])('%s archive whose clock jumps [P67]', (_title, newArchive) => {
  async function opened() {
    const clock = createFakeClock()
    const archive: CompleteArchiveTier = newArchive(clock)
    open.push(archive)
    await archive.open(OPTIONS)
    const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '1'.repeat(32) })
    let sequence = 0
    const stampNow = (more = 0): Stamp => ({
      time: stampTimeOf(clock.nowMs()) + more,
      instance: claim.instance,
    })
    const write = (id: string, stamp: Stamp, isDelete = false): ItemWrite => ({
      id,
      stamp,
      state: 's',
      contentType: '',
      bytes: isDelete ? undefined : Uint8Array.of(1),
    })
    const put = async (...writes: ItemWrite[]) => {
      sequence += 1
      const link = linkOf(claim.instance, sequence)
      return (await archive.putBatch({ claim, sequence, link, writes })).outcomes
    }
    return { clock, archive, claim, stampNow, write, put }
  }

  it('ledger rows from the future are pruned, and keep nothing behind them', async () => {
    const { clock, archive, stampNow, write, put } = await opened()
    clock.jump(HOUR_MS)
    await put(write('a', stampNow()))
    clock.jump(-HOUR_MS)
    await put(write('b', stampNow()))
    await archive.foldTree()
    await clock.advance(60_000)
    const { nowMs } = await archive.readHeads()
    expect(await archive.pruneLedger(nowMs - 30_000)).toBe(2)
    await put(write('c', stampNow()))
    await archive.foldTree()
    expect(await archive.pruneLedger(nowMs - 30_000)).toBe(0)
  })

  it('what was recorded of the instance while the clock was ahead is stored, more is not', async () => {
    const { clock, archive, stampNow, write, put } = await opened()
    clock.jump(HOUR_MS)
    const ahead = stampNow()
    const older = { ...ahead, time: ahead.time - 10 }
    await put(write('a', ahead))
    clock.jump(-HOUR_MS)
    // Records of the log that were acknowledged while the clock was ahead.
    expect(await put(write('b', older), write('c', ahead))).toMatchObject([{ kind: 'won' }, { kind: 'won' }])
    expect(await put(write('d', { ...ahead, time: ahead.time + 1 }))).toMatchObject([
      { kind: 'refused', because: 'stamp-ahead-of-archive' },
    ])
    expect(await put(write('a', stampNow()))).toMatchObject([{ kind: 'superseded', isFromFuture: true }])
    expect(await put(write('a', { ...ahead, time: ahead.time + 1 }))).toMatchObject([{ kind: 'won' }])
    // Another instance has no such record.
    const other = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '2'.repeat(32) })
    const batch = { claim: other, sequence: 1, link: linkOf(2, 1) }
    const { outcomes } = await archive.putBatch({
      ...batch,
      writes: [write('e', { ...older, instance: other.instance })],
    })
    expect(outcomes).toMatchObject([{ kind: 'refused' }])
  })

  it('collecting while the clock is ahead refuses no new id afterwards', async () => {
    const { clock, archive, stampNow, write, put } = await opened()
    await put(write('dead', stampNow(), true))
    clock.jump(24 * HOUR_MS)
    const { nowMs } = await archive.readHeads()
    expect(await archive.collectTombstones(nowMs - HOUR_MS)).toBe(1)
    clock.jump(-24 * HOUR_MS)
    expect(await put(write('new', stampNow(1)))).toMatchObject([{ kind: 'won' }])
  })

  it('an instance seen in the future is counted from now on, neither dead nor alive for ever', async () => {
    const { clock, archive, claim } = await opened()
    clock.jump(HOUR_MS)
    await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '3'.repeat(32) })
    clock.jump(-HOUR_MS)
    const retire = async () => {
      const { nowMs } = await archive.readHeads()
      const request = { claim, sequence: 1, link: linkOf(1, 1), instancesMax: 10 }
      return (await archive.retireInstances({ ...request, deadBeforeMs: nowMs - 60_000 })).length
    }
    await archive.touchInstance(claim)
    expect(await retire()).toBe(0)
    await clock.advance(61_000)
    expect(await retire()).toBe(1)
  })
})
