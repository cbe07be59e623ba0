import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import { covers, sequenceAt, type Cut } from '../../cut.ts'
import { compareStamps, type Stamp } from '../../stamp.ts'
import type { LedgerRow } from '../../ledger.ts'
import { seededRandom } from '../seeded-random.ts'
import {
  allRows,
  BRANCHES,
  textOf,
  checkTree,
  emptyCut,
  itemOf,
  newWriter,
  tailRows,
  text,
  withWriter,
  write,
  Writer,
  type ArchiveContractCase,
} from './harness.ts'

export const ledger: readonly ArchiveContractCase[] = [
  withWriter(
    'the ledger tells per id what was replaced by what, as a chain',
    async ({ archive, digestRow }, writer, { digestKey }) => {
      const [one, two, three] = [writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('a', one, 'one'))
      await writer.put(write('a', two, undefined), write('b', two, 'b'))
      await writer.put(write('a', three, 'three'))
      const rows = await tailRows(archive, await emptyCut(archive))
      deepEqual(
        rows.map(({ instance, sequence, kind }) => [instance, sequence, kind]),
        [1, 2, 3].map((sequence) => [writer.claim.instance, sequence, 'batch']),
      )
      const entries = rows.flatMap((row) => row.entries.filter(({ id }) => id === 'a'))
      deepEqual(
        entries.map(({ stamp, previousStamp }) => ({ stamp, previousStamp })),
        [
          { stamp: one, previousStamp: undefined },
          { stamp: two, previousStamp: one },
          { stamp: three, previousStamp: two },
        ],
      )
      const digestOf = (stamp: Stamp, value: string) => {
        const { contentType, state } = write('a', stamp, value)
        const bytes = text.encode(value)
        return digestRow({ id: 'a', stamp, state, contentType, bytes }, digestKey)
      }
      deepEqual(entries[0]?.digest, digestOf(one, 'one'))
      deepEqual(entries[0]?.previousDigest, undefined)
      deepEqual(entries[1]?.digest, undefined)
      deepEqual(entries[1]?.previousDigest, entries[0]?.digest)
      deepEqual(entries[2]?.previousDigest, undefined)
      deepEqual(entries[2]?.digest, digestOf(three, 'three'))
      const { rows: items } = await allRows(archive)
      deepEqual(items.find(({ id }) => id === 'a')?.digest, entries[2]?.digest)
    },
  ),
  withWriter('a row tells the batch that wrote it, whoever made its stamp', async ({ archive }, writer) => {
    const other = await newWriter(archive)
    const batchesOf = async () =>
      Object.fromEntries((await allRows(archive)).rows.map(({ id, batch }) => [id, batch]))
    await writer.put(write('kept', writer.stamp(), 'one'), write('replaced', writer.stamp(), 'one'))
    await writer.put(write('replaced', writer.stamp(), 'two'), write('deleted', writer.stamp(), undefined))
    // A write keeps its stamp when another instance sends it: one that was parked, or whose directory got a new number.
    await other.put(write('moved', writer.stamp(), 'one'))
    const { instance } = writer.claim
    const moved = { instance: other.claim.instance, sequence: 1 }
    const told = {
      kept: { instance, sequence: 1 },
      replaced: { instance, sequence: 2 },
      deleted: { instance, sequence: 2 },
      moved,
    }
    deepEqual(await batchesOf(), told)
    // What has lost, and what was there already, changes no row.
    const stamp = writer.stamp()
    await other.put(write('replaced', stamp, 'newer'))
    await writer.put(write('replaced', stamp, 'newer'), write('kept', { time: 1, instance }, 'older'))
    deepEqual(await batchesOf(), { ...told, replaced: { ...moved, sequence: 2 } })
  }),
  withWriter(
    'two instances at once: sequences without gaps, every batch told once [P53]',
    async (harness, writer) => {
      const { archive, peer, seed } = harness
      const random = seededRandom(seed)
      const second = await newWriter(archive)
      if (peer !== undefined) await peer.open({ branches: BRANCHES, digests: 'keyed' })
      const other = new Writer(peer ?? archive, second.claim, second.nonce, (await archive.readHeads()).nowMs)
      const work = async (by: Writer) => {
        for (let batch = 0; batch < 25; batch++) {
          const ids = new Set(Array.from({ length: 8 }, () => `hot.${random.below(12)}`))
          const writes = [...ids].map((id) =>
            write(id, by.stamp(), random.chance(0.2) ? undefined : `${batch}`),
          )
          const receipt = await by.put(...writes)
          equal(receipt.outcomes.length, writes.length)
          ok(!receipt.wasCommittedBefore)
        }
      }
      const heard: Cut[] = []
      const listen = async () => {
        for (let turn = 0; turn < 20; turn++) {
          const tail = await archive.readTail(heard.at(-1) ?? (await emptyCut(archive)))
          ok(tail.kind === 'rows')
          // Everything between the cuts is there: no row is skipped, none comes later.
          const last = heard.at(-1)
          let count = 0
          for (const [instance, { sequence }] of tail.heads.cut.positions) {
            count += sequence - (last === undefined ? 0 : sequenceAt(last, instance))
          }
          equal(tail.rows.length, count)
          heard.push(tail.heads.cut)
        }
      }
      await Promise.all([work(writer), work(other), listen()])
      for (let index = 1; index < heard.length; index++) ok(covers(heard[index]!, heard[index - 1]!))
      const rows = await tailRows(archive, await emptyCut(archive))
      for (const by of [writer, other]) {
        deepEqual(
          rows.filter(({ instance }) => instance === by.claim.instance).map(({ sequence }) => sequence),
          Array.from({ length: 25 }, (_, index) => index + 1),
        )
      }
      // Per id, what each entry replaced is what an earlier one left: one chain, whoever wrote.
      const byId = new Map<string, LedgerRow['entries'][number][]>()
      for (const entry of rows.flatMap((row) => row.entries)) {
        byId.set(entry.id, [...(byId.get(entry.id) ?? []), entry])
      }
      for (const chain of byId.values()) {
        chain.sort((a, b) => compareStamps(a.stamp, b.stamp))
        for (const [index, entry] of chain.entries()) {
          deepEqual(entry.previousStamp, chain[index - 1]?.stamp)
          deepEqual(entry.previousDigest, chain[index - 1]?.digest)
        }
      }
      await archive.foldTree()
      await checkTree(harness)
      await peer?.close()
    },
  ),
  withWriter(
    'a batch that skips a sequence is fenced and writes nothing [P53]',
    async ({ archive }, writer) => {
      await rejects(writer.send(2, [write('a', writer.stamp(), 'a')]), { code: 'SE_INSTANCE_FENCED' })
      equal((await archive.get('a')).kind, 'absent')
      equal((await archive.readHeads()).cut.positions.size, 0)
    },
  ),
  withWriter(
    'what one instance asks for at once ends: none of its calls waits for one that waits for it [P83, P93]',
    async ({ archive }, writer) => {
      for (let round = 1; round <= 10; round++) {
        const writes = [write('a', writer.stamp(), `${round}`), write(`b.${round}`, writer.stamp(), 'b')]
        const [first, second] = await Promise.all([
          writer.put(...writes),
          writer.send(round, writes),
          archive.touchInstance(writer.claim),
          archive.touchInstance(writer.claim),
          archive.foldTree(),
        ])
        ok(first.wasCommittedBefore !== second.wasCommittedBefore, 'it is applied once')
        equal(await textOf(archive, 'a'), `${round}`)
      }
      await Promise.all([archive.endInstance(writer.claim), archive.touchInstance(writer.claim)])
    },
  ),
  withWriter(
    'a batch sent again is settled: same results, nothing applied twice [W5]',
    async (harness, writer) => {
      const { archive } = harness
      const [old, first, second] = [writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('live', first, 'live'), write('newer', second, 'newer'))
      const batch = [
        write('new', second, 'new'),
        write('live', second, 'changed'),
        write('newer', old, 'old'),
        write('gone', second, undefined),
      ]
      const receipt = await writer.put(...batch)
      const again = await writer.send(writer.sequence, batch)
      ok(again.wasCommittedBefore)
      deepEqual(again.outcomes, receipt.outcomes)
      equal(again.sequence, receipt.sequence)
      equal(sequenceAt((await archive.readHeads()).cut, writer.claim.instance), 2)
      equal(itemOf(await archive.get('live')).version, 2)
      await checkTree(harness)
      equal((await writer.put(write('next', writer.stamp(), 'x'))).outcomes[0]?.kind, 'won')
    },
  ),
  withWriter(
    'a settled winner that was replaced since is told as superseded [W5]',
    async ({ archive }, writer) => {
      const other = await newWriter(archive)
      const mine = write('a', writer.stamp(), 'mine')
      await writer.put(mine)
      const { time } = mine.stamp
      const theirs = { time: time + 5, instance: other.claim.instance }
      await other.put(write('a', theirs, 'theirs'))
      deepEqual((await writer.send(1, [mine])).outcomes, [
        { kind: 'superseded', by: theirs, isFromFuture: false },
      ])
      equal(await textOf(archive, 'a'), 'theirs')
    },
  ),
  withWriter(
    'a batch in which nothing wins still takes its place in the ledger',
    async ({ archive }, writer) => {
      const [old, young] = [writer.stamp(), writer.stamp()]
      await writer.put(write('a', young, 'a'))
      await writer.put(write('a', old, 'b'))
      const rows = await tailRows(archive, await emptyCut(archive))
      deepEqual(
        rows.map(({ entries }) => entries.length),
        [1, 0],
      )
    },
  ),
]
