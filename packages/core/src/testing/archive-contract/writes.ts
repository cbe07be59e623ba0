import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import type { ItemWrite } from '../../item.ts'
import { compareStamps, stampMs, stampTimeOf, type Stamp } from '../../stamp.ts'
import type { WriteOutcome } from '../../archive-tier.ts'
import { seededRandom } from '../seeded-random.ts'
import {
  allRows,
  textOf,
  checkTree,
  emptyCut,
  itemOf,
  newNonce,
  newWriter,
  tailRows,
  withWriter,
  write,
  type Writer,
  type ArchiveContractCase,
} from './harness.ts'

export const winning: readonly ArchiveContractCase[] = [
  withWriter('the newest stamp wins; the loser is told by whom [W3]', async ({ archive }, writer) => {
    const [first, second, third] = [writer.stamp(), writer.stamp(), writer.stamp()]
    await writer.put(write('a', second, 'second'))
    deepEqual((await writer.put(write('a', first, 'first'))).outcomes, [
      { kind: 'superseded', by: second, isFromFuture: false },
    ])
    equal(await textOf(archive, 'a'), 'second')
    const createdAtMs = stampMs(second)
    deepEqual((await writer.put(write('a', third, 'third'))).outcomes, [
      { kind: 'won', version: 2, createdAtMs, wasLive: true },
    ])
    equal(await textOf(archive, 'a'), 'third')
  }),
  withWriter('at equal time the higher instance wins [W3]', async ({ archive }, writer) => {
    const other = await newWriter(archive)
    ok(other.claim.instance > writer.claim.instance)
    const { time } = writer.stamp()
    await other.put(write('a', { time, instance: other.claim.instance }, 'higher'))
    const outcome = (await writer.put(write('a', { time, instance: writer.claim.instance }, 'lower')))
      .outcomes[0]
    equal(outcome?.kind, 'superseded')
    equal(await textOf(archive, 'a'), 'higher')
    await writer.put(write('b', { time, instance: writer.claim.instance }, 'lower'))
    equal(
      (await other.put(write('b', { time, instance: other.claim.instance }, 'higher'))).outcomes[0]?.kind,
      'won',
    )
  }),
  withWriter('the same write again is held, not accepted twice [W3]', async ({ archive }, writer) => {
    const again = write('a', writer.stamp(), 'once')
    await writer.put(again)
    const createdAtMs = stampMs(again.stamp)
    deepEqual((await writer.put(again)).outcomes, [{ kind: 'held', version: 1, createdAtMs }])
    equal(itemOf(await archive.get('a')).version, 1)
    const [, second] = await tailRows(archive, await emptyCut(archive))
    deepEqual(second?.entries, [])
  }),
  withWriter(
    'any order and any replay of the same writes ends in the same rows [W3, P32]',
    async (harness, writer) => {
      const { archive, seed } = harness
      const random = seededRandom(seed)
      const others = [writer, await newWriter(archive)]
      const ids = ['a', 'b', 'user.c', 'user.admin.d']
      const history = Array.from({ length: 60 }, () => {
        const by = random.pick(others)
        return write(random.pick(ids), by.stamp(), random.chance(0.25) ? undefined : `${random.below(1_000)}`)
      })
      const expected = new Map<string, ItemWrite>()
      for (const one of history) {
        const best = expected.get(one.id)
        if (best === undefined || compareStamps(one.stamp, best.stamp) > 0) expected.set(one.id, one)
      }
      for (let round = 0; round < 3; round++) {
        const shuffled = [...history].sort(() => random.fraction() - 0.5)
        for (const one of shuffled) await random.pick(others).put(one)
      }
      for (const [id, { bytes, stamp }] of expected) {
        const lookup = await archive.get(id)
        if (bytes === undefined) deepEqual(lookup, { kind: 'absent', tombstone: stamp })
        else deepEqual(itemOf(lookup).bytes, bytes)
      }
      await checkTree(harness)
    },
  ),
  withWriter('a batch tells each write its own outcome, in the order given', async ({ archive }, writer) => {
    const stamps = Array.from({ length: 6 }, () => writer.stamp())
    await writer.put(
      write('held', stamps[0]!, 'h'),
      write('newer', stamps[5]!, 'n'),
      write('live', stamps[1]!, 'l'),
    )
    const ahead = {
      time: stampTimeOf((await archive.readHeads()).nowMs + 60_000),
      instance: writer.claim.instance,
    }
    const receipt = await writer.put(
      write('zz', stamps[2]!, 'z'),
      write('newer', stamps[3]!, 'old'),
      write('held', stamps[0]!, 'h'),
      write('ahead', ahead, 'a'),
      write('live', stamps[4]!, undefined),
      write('aa', stamps[2]!, 'a'),
    )
    deepEqual(
      receipt.outcomes.map((outcome) => outcome.kind),
      ['won', 'superseded', 'held', 'refused', 'won', 'won'],
    )
    deepEqual(receipt.outcomes[3], { kind: 'refused', because: 'stamp-ahead-of-archive' })
    const live: WriteOutcome = { kind: 'won', version: 2, createdAtMs: stampMs(stamps[1]!), wasLive: true }
    deepEqual(receipt.outcomes[4], live)
    equal((await archive.get('ahead')).kind, 'absent')
  }),
  withWriter(
    'a stamp up to 1 s ahead of the archive is taken, one beyond is refused and leaves no trace',
    async ({ archive }, writer) => {
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const near = { time: stampTimeOf(nowMs + 900), instance }
      const far = { time: stampTimeOf(nowMs + 30_000), instance }
      const receipt = await writer.put(write('near', near, 'n'), write('far', far, 'f'))
      equal(receipt.outcomes[0]?.kind, 'won')
      deepEqual(receipt.outcomes[1], { kind: 'refused', because: 'stamp-ahead-of-archive' })
      const { memory, nonce } = { memory: writer.memory(), nonce: newNonce() }
      const claim = await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce })
      ok(claim.maxStampTime >= near.time, 'the instance starts above what was taken')
      ok(claim.maxStampTime < far.time, 'and not above what was refused')
    },
  ),
  withWriter(
    'a stamp ahead of the archive is stored directly above a row from the future, and told of as such [P67]',
    async ({ archive }, writer) => {
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const second = stampTimeOf(1_000)
      // As a clock that ran ahead left it: stored step by step, each directly above the one before.
      const start = stampTimeOf(nowMs + 900)
      const stampsAbove = (from: number) => Array.from({ length: 12 }, (_, step) => from + step * second)
      for (const time of stampsAbove(start)) {
        deepEqual(
          (await writer.put(write('ahead', { time, instance }, `${time}`))).outcomes.map(({ kind }) => kind),
          ['won'],
        )
      }
      const future: Stamp = { time: stampsAbove(start).at(-1)!, instance }
      const superseded = await writer.put(write('ahead', writer.stamp(), 'now'))
      deepEqual(superseded.outcomes, [{ kind: 'superseded', by: future, isFromFuture: true }])
      const other = await newWriter(archive)
      const above = (more: number): Stamp => ({ time: future.time + more, instance: other.claim.instance })
      const receipt = await other.put(
        write('ahead', above(1), 'above'),
        write('new', above(1), 'no row to be above'),
      )
      deepEqual(receipt.outcomes, [
        { kind: 'won', version: 13, createdAtMs: stampMs({ time: start, instance }), wasLive: true },
        { kind: 'refused', because: 'stamp-ahead-of-archive' },
      ])
      equal(await textOf(archive, 'ahead'), 'above')
      const far = { time: above(1).time + second + 1, instance: other.claim.instance }
      deepEqual((await other.put(write('ahead', far, 'too far above'))).outcomes, [
        { kind: 'refused', because: 'stamp-ahead-of-archive' },
      ])
      // It was stored for its id's sake alone: the instance is not carried along.
      const memory = other.memory()
      const claim = await archive.claimInstance({ memory, knownNonces: [other.nonce], nonce: newNonce() })
      ok(claim.maxStampTime < future.time)
    },
  ),
  withWriter(
    'data that can never be stored is refused as such, and nothing of its batch is written [W6]',
    async ({ archive }, writer) => {
      const good = write('good', writer.stamp(), 'g')
      const long = write('x'.repeat(256), writer.stamp(), 'too long an id')
      await rejects(writer.send(1, [good, long]), { code: 'SE_ARCHIVE_REFUSED_DATA' })
      await rejects(writer.send(1, [good, { ...good, id: 'other', state: 's'.repeat(65) }]), {
        code: 'SE_ARCHIVE_REFUSED_DATA',
      })
      equal((await archive.get('good')).kind, 'absent')
      equal((await archive.readHeads()).cut.positions.size, 0)
      equal((await writer.send(1, [good])).outcomes[0]?.kind, 'won')
    },
  ),
]

export const deletes: readonly ArchiveContractCase[] = [
  withWriter(
    'a delete leaves a tombstone, which an older write does not bring back [P19]',
    async ({ archive }, writer) => {
      const [old, middle, deleted, later] = [writer.stamp(), writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('a', old, 'old'))
      deepEqual((await writer.put(write('a', deleted, undefined))).outcomes, [
        { kind: 'won', version: 2, createdAtMs: stampMs(old), wasLive: true },
      ])
      deepEqual(await archive.get('a'), { kind: 'absent', tombstone: deleted })
      deepEqual((await writer.put(write('a', middle, 'late'))).outcomes, [
        { kind: 'superseded', by: deleted, isFromFuture: false },
      ])
      equal((await archive.get('a')).kind, 'absent')
      deepEqual((await writer.put(write('a', later, 'again'))).outcomes, [
        { kind: 'won', version: 3, createdAtMs: stampMs(later), wasLive: false },
      ])
      equal(await textOf(archive, 'a'), 'again')
    },
  ),
  withWriter('a delete of an id without a row is kept too [W4]', async ({ archive }, writer) => {
    const [older, deleted] = [writer.stamp(), writer.stamp()]
    deepEqual((await writer.put(write('a', deleted, undefined))).outcomes, [
      { kind: 'won', version: 1, createdAtMs: stampMs(deleted), wasLive: false },
    ])
    deepEqual((await writer.put(write('a', older, 'older'))).outcomes, [
      { kind: 'superseded', by: deleted, isFromFuture: false },
    ])
    const ids: string[] = []
    await archive.scanIds((chunk) => void ids.push(...chunk))
    deepEqual(ids, [])
    const { rows } = await allRows(archive)
    deepEqual(
      rows.map(({ id, bytes, digest }) => ({ id, bytes, digest })),
      [{ id: 'a', bytes: undefined, digest: undefined }],
    )
  }),
  withWriter(
    'an id that looks like a pattern is an id: its delete, and the collection of its tombstone, reach no other [P20]',
    async (harness, writer) => {
      const { archive } = harness
      const patterns = ['a%', 'a_', 'a*', 'a?', 'a[b]', 'a\\_', "a'b", '%', '_', '*']
      const others = ['a', 'ab', 'abc', 'a%b', 'a_b', 'ba', 'b', 'user.a', 'user_a']
      const liveIds = async () => {
        const { rows } = await allRows(archive)
        return rows.filter(({ bytes }) => bytes !== undefined).map(({ id }) => id)
      }
      await writer.put(...[...patterns, ...others].map((id) => write(id, writer.stamp(), id)))
      for (const [index, id] of patterns.entries()) {
        await writer.put(write(id, writer.stamp(), undefined))
        deepEqual((await liveIds()).sort(), [...patterns.slice(index + 1), ...others].sort())
      }
      const { nowMs } = await archive.readHeads()
      equal(await archive.collectTombstones(nowMs), patterns.length)
      equal((await allRows(archive)).rows.length, others.length)
      for (const id of others) equal(await textOf(archive, id), id)
      await checkTree(harness)
    },
    ['collectTombstones'],
  ),
  withWriter(
    'after collecting, a write at or below the floor to an id without a row is refused [W4, P64]',
    async (harness, writer) => {
      const { archive } = harness
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const at = (ms: number): Stamp => ({ time: stampTimeOf(nowMs - ms), instance })
      await writer.put(
        write('collected', at(40_000), undefined),
        write('kept', at(20_000), undefined),
        write('live', at(40_000), 'live'),
        write('older', at(60_000), 'deleted below the floor that is to come'),
      )
      equal(await archive.collectTombstones(nowMs - 30_000), 1)
      deepEqual(await archive.get('collected'), { kind: 'absent' })
      deepEqual(await archive.get('kept'), { kind: 'absent', tombstone: at(20_000) })
      equal(await textOf(archive, 'live'), 'live')
      const floor: Stamp = { time: at(40_000).time, instance }
      const above: Stamp = { time: floor.time + 1, instance }
      const receipt = await writer.put(
        write('collected', at(50_000), 'back from an old log'),
        write('at-the-floor', floor, 'x'),
        write('above-the-floor', above, 'x'),
        write('live', at(39_000), 'newer than the row'),
        write('kept', at(39_000), 'older than its tombstone'),
      )
      const refused: WriteOutcome = { kind: 'refused', because: 'below-collection-floor' }
      deepEqual(receipt.outcomes.slice(0, 2), [refused, refused])
      deepEqual(
        receipt.outcomes.slice(2).map(({ kind }) => kind),
        ['won', 'won', 'superseded'],
      )
      equal((await archive.get('collected')).kind, 'absent')
      // An older tombstone, collected later, must not lower the floor again.
      equal((await writer.put(write('older', at(44_000), undefined))).outcomes[0]?.kind, 'won')
      equal(await archive.collectTombstones(nowMs - 42_000), 1)
      deepEqual((await writer.put(write('at-the-floor', floor, 'x'))).outcomes, [refused])
      await checkTree(harness)
    },
    ['collectTombstones'],
  ),
  withWriter(
    'what was collected stays deleted for every instance: those of before, new ones, and one that is claimed again [W4, P90]',
    async ({ archive }, writer) => {
      const before = await newWriter(archive)
      const { nowMs } = await archive.readHeads()
      const at = (ms: number, { claim }: Writer): Stamp => {
        return { time: stampTimeOf(nowMs - ms), instance: claim.instance }
      }
      const back = async (by: Writer) =>
        (
          await by.put(
            write('gone', at(50_000, by), 'back'),
            write(`of.${by.claim.instance}`, at(10_000, by), 'x'),
          )
        ).outcomes
      await writer.put(write('gone', at(40_000, writer), undefined))
      equal(await archive.collectTombstones(nowMs - 30_000), 1)
      const refused: WriteOutcome = { kind: 'refused', because: 'below-collection-floor' }
      const after = await newWriter(archive)
      for (const each of [writer, before, after]) deepEqual((await back(each))[0], refused)
      const again = await archive.claimInstance({
        memory: before.memory(),
        knownNonces: [before.nonce],
        nonce: newNonce(),
      })
      before.claim = again
      const outcomes = await back(before)
      deepEqual(outcomes[0], refused)
      equal((await archive.get('gone')).kind, 'absent')
    },
    ['collectTombstones'],
  ),
  withWriter(
    'the floor is never above the tombstones that are collected, by whatever clock [P67]',
    async ({ archive }, writer) => {
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const at = (ms: number): Stamp => ({ time: stampTimeOf(nowMs - ms), instance })
      equal(await archive.collectTombstones(nowMs + 3_600_000), 0)
      await writer.put(write('deleted', at(50_000), undefined))
      // A moment in the future stands for now: neither goes what is ahead, nor is what is new refused.
      await writer.put(write('ahead', at(-900), undefined))
      equal(await archive.collectTombstones(nowMs + 3_600_000), 1)
      deepEqual(await archive.get('ahead'), { kind: 'absent', tombstone: at(-900) })
      const receipt = await writer.put(write('new', at(49_999), 'n'), write('old', at(50_000), 'o'))
      deepEqual(
        receipt.outcomes.map(({ kind }) => kind),
        ['won', 'refused'],
      )
      await rejects(archive.collectTombstones(Number.NaN), { code: 'SE_INVALID_INPUT' })
    },
    ['collectTombstones'],
  ),
]
