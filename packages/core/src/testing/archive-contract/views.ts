import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import { equalCuts, sequenceAt, type Cut } from '../../cut.ts'
import type { ArchivedRow } from '../../archive-tier.ts'
import { seededRandom } from '../seeded-random.ts'
import {
  allRows,
  BRANCHES,
  checkTree,
  emptyCut,
  itemOf,
  newWriter,
  tailRows,
  withWriter,
  write,
  type ArchiveContractCase,
} from './harness.ts'

export const views: readonly ArchiveContractCase[] = [
  withWriter('the tail of a cut holds exactly what lies beyond it', async ({ archive }, writer) => {
    const other = await newWriter(archive)
    const start = await emptyCut(archive)
    deepEqual(await tailRows(archive, start), [])
    await writer.put(write('a', writer.stamp(), 'a'))
    await other.put(write('b', other.stamp(), 'b'))
    const { cut, nowMs } = await archive.readHeads()
    ok(nowMs > 1_600_000_000_000)
    deepEqual([sequenceAt(cut, writer.claim.instance), sequenceAt(cut, other.claim.instance)], [1, 1])
    await other.put(write('c', other.stamp(), 'c'))
    deepEqual(
      (await tailRows(archive, cut)).map(({ instance, sequence }) => [instance, sequence]),
      [[other.claim.instance, 2]],
    )
    equal((await tailRows(archive, start)).length, 3)
  }),
  withWriter(
    'a cut from which the heads cannot be reached is a gap, with its reason [P63, P65]',
    async ({ archive }, writer) => {
      for (let count = 0; count < 4; count++) await writer.put(write('a', writer.stamp(), `${count}`))
      const { cut, nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const at = (sequence: number): Cut => ({
        ...cut,
        positions: new Map([[instance, { sequence, link: writer.linkAt(sequence) }]]),
      })
      const because = async (from: Cut) => {
        const tail = await archive.readTail(from)
        ok(equalCuts(tail.heads.cut, cut))
        return tail.kind === 'gap' ? tail.because : 'no gap'
      }
      equal(await because(at(5)), 'ahead-of-heads')
      equal(
        await because({
          ...cut,
          positions: new Map([...cut.positions, [instance + 1, at(1).positions.get(instance)!]]),
        }),
        'another-history',
      )
      equal(await because({ ...at(4), archiveId: 'e'.repeat(32) }), 'another-archive')
      equal(await because(at(1)), 'no gap')
      await archive.foldTree()
      equal(await archive.pruneLedger(nowMs + 60_000), 4)
      equal(await because(at(3)), 'pruned')
      equal(await because(at(0)), 'pruned')
      equal(await because(at(4)), 'no gap')
      equal((await archive.readHeads()).prunedSequences.get(instance), 4)
    },
    ['pruneLedger'],
  ),
  withWriter(
    'pruning takes old rows that the tree includes, and no others [P63]',
    async (harness, writer) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      const { nowMs } = await archive.readHeads()
      equal(await archive.pruneLedger(nowMs + 60_000), 0)
      await archive.foldTree()
      await writer.put(write('b', writer.stamp(), 'b'))
      equal(await archive.pruneLedger(nowMs - 60_000), 0)
      equal(await archive.pruneLedger(nowMs + 60_000), 1)
      await checkTree(harness)
      await archive.foldTree()
      equal(await archive.pruneLedger(nowMs + 60_000), 1)
      await checkTree(harness)
    },
    ['pruneLedger'],
  ),
  withWriter(
    'a batch is settled also after its ledger row was pruned [W5]',
    async ({ archive }, writer) => {
      const batch = [write('a', writer.stamp(), 'a')]
      await writer.put(...batch)
      await archive.foldTree()
      await archive.pruneLedger((await archive.readHeads()).nowMs + 60_000)
      const again = await writer.send(1, batch)
      ok(again.wasCommittedBefore)
      equal(again.outcomes[0]?.kind, 'held')
      equal(itemOf(await archive.get('a')).version, 1)
    },
    ['pruneLedger'],
  ),
  withWriter(
    'folded pages are what the rows give, after any mixture of writes, deletes and folds [P30, P38]',
    async (harness, writer) => {
      const { archive, seed } = harness
      const random = seededRandom(seed)
      const prefixes = ['', 'user.', 'user.admin.', 'use']
      for (let round = 0; round < 12; round++) {
        const ids = new Set(Array.from({ length: 30 }, () => `${random.pick(prefixes)}${random.below(60)}`))
        await writer.put(
          ...[...ids].map((id) =>
            write(id, writer.stamp(), random.chance(0.3) ? undefined : random.bytes(10)),
          ),
        )
        if (random.chance(0.5)) {
          ok((await archive.foldTree()) > 0)
          equal(await archive.foldTree(), 0)
        }
        await checkTree(harness)
      }
      await archive.foldTree()
      const stored = await archive.readTree()
      ok(equalCuts(stored.cut, (await archive.readHeads()).cut))
    },
  ),
  withWriter('several processes fold at once: every row counts once [P30]', async (harness, writer) => {
    const { archive, peer } = harness
    if (peer !== undefined) await peer.open({ branches: BRANCHES, digests: 'keyed' })
    for (let count = 0; count < 10; count++) {
      await writer.put(write(`user.${count}`, writer.stamp(), 'x'), write('hot', writer.stamp(), `${count}`))
      const folds = [archive, peer ?? archive, archive, peer ?? archive].map((by) => by.foldTree())
      equal(
        (await Promise.all(folds)).reduce((sum, rows) => sum + rows, 0),
        1,
      )
    }
    await checkTree(harness)
    await peer?.close()
  }),
  withWriter('a tree that becomes empty again has no pages left [P30]', async (harness, writer) => {
    const { archive } = harness
    await writer.put(write('a', writer.stamp(), 'a'), write('user.b', writer.stamp(), 'b'))
    await archive.foldTree()
    equal((await archive.readTree()).pages.length, 2)
    await writer.put(write('a', writer.stamp(), undefined), write('user.b', writer.stamp(), undefined))
    await archive.foldTree()
    deepEqual((await archive.readTree()).pages, [])
    await checkTree(harness)
  }),
  withWriter(
    'a scan sees one snapshot, at the cut it names, while writers run [P55]',
    async (harness, writer, { isExclusive }) => {
      const { archive } = harness
      const ids = Array.from({ length: 2_500 }, (_, index) => `id.${String(index).padStart(5, '0')}`)
      await writer.put(...ids.map((id) => write(id, writer.stamp(), 'first')))
      const change = async () => {
        await writer.put(...ids.slice(1_000).map((id) => write(id, writer.stamp(), 'second')))
        await writer.put(write('id.zz', writer.stamp(), 'new'))
      }
      let changed: Promise<void> | undefined
      const rows: ArchivedRow[] = []
      const cut = await archive.scanRows(async (chunk) => {
        const isFirst = rows.length === 0
        rows.push(...chunk)
        if (!isFirst) return
        changed = change()
        // An exclusive archive may let writers wait until the scan has ended.
        if (!isExclusive) await changed
      })
      const seenIds: string[] = []
      const idsCut = await archive.scanIds((chunk) => void seenIds.push(...chunk))
      await changed
      equal(sequenceAt(cut, writer.claim.instance), 1)
      equal(rows.length, 2_500)
      for (const row of rows) equal(Buffer.from(row.bytes!).toString(), 'first')
      equal(seenIds.length, sequenceAt(idsCut, writer.claim.instance) === 3 ? 2_501 : 2_500)
      // What the ledger tells beyond the cut leads from the scanned rows to the rows of now.
      const tail = await tailRows(archive, cut)
      equal(tail.length, 2)
      await archive.foldTree()
      const now = await allRows(archive)
      equal(
        harness.rootOfRows(now.rows, BRANCHES),
        harness.rootOfPages((await archive.readTree()).pages, [], BRANCHES),
      )
    },
  ),
  withWriter(
    'scans of large values stay in small chunks, and miss nothing',
    async ({ archive, seed }, writer) => {
      const random = seededRandom(seed)
      const expected = new Map<string, number>()
      for (let count = 0; count < 6; count++) {
        const id = `large.${count}`
        const length = count % 2 === 0 ? 3 * 2 ** 20 : 10
        expected.set(id, length)
        await writer.put(write(id, writer.stamp(), random.bytes(length)))
      }
      let bytesMax = 0
      const lengths = new Map<string, number>()
      await archive.scanRows((chunk) => {
        bytesMax = Math.max(
          bytesMax,
          chunk.reduce((sum, row) => sum + row.bytes!.length, 0),
        )
        for (const row of chunk) lengths.set(row.id, row.bytes!.length)
      })
      deepEqual(lengths, expected)
      ok(bytesMax <= 9 * 2 ** 20 + 30)
    },
  ),
  withWriter('a visitor that throws ends the scan, and the archive goes on', async ({ archive }, writer) => {
    await writer.put(write('a', writer.stamp(), 'a'))
    const stop = Object.assign(new Error('stop'), { name: 'Stop' })
    await rejects(
      archive.scanIds(() => {
        throw stop
      }),
      { name: 'Stop' },
    )
    await rejects(
      archive.scanRows(() => Promise.reject(stop)),
      { name: 'Stop' },
    )
    equal((await writer.put(write('b', writer.stamp(), 'b'))).outcomes[0]?.kind, 'won')
    equal((await archive.readTree()).tail.kind, 'rows')
  }),
]
