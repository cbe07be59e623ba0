import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import { equalCuts, LINK_NONE, linkAt, sequenceAt, type Cut } from '../../cut.ts'
import type { ArchiveTier, CompleteArchiveTier } from '../../archive-tier.ts'
import type { LedgerTail } from '../../ledger.ts'
import { checkTree, emptyCut, newNonce, newWriter, withWriter, write, Writer } from './harness.ts'
import type { ArchiveContractCase } from './harness.ts'

async function gapOf(archive: ArchiveTier, from: Cut): Promise<string> {
  const tail: LedgerTail = await archive.readTail(from)
  return tail.kind === 'gap' ? tail.because : 'no gap'
}

/** Another directory on the same archive, as if the first one had been started again. */
async function claimAgain(archive: CompleteArchiveTier, writer: Writer): Promise<Writer> {
  const nonce = newNonce()
  const claim = await archive.claimInstance({ memory: writer.memory(), knownNonces: [writer.nonce], nonce })
  return new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
}

/** What tells one history of an archive from another: the links. */
export const histories: readonly ArchiveContractCase[] = [
  withWriter('each ledger row and each head has the link of its batch', async ({ archive }, writer) => {
    await writer.put(write('a', writer.stamp(), 'a'))
    await writer.put(write('b', writer.stamp(), 'b'))
    const tail = await archive.readTail(await emptyCut(archive))
    ok(tail.kind === 'rows')
    deepEqual(
      tail.rows.map(({ link }) => link),
      [writer.linkAt(1), writer.linkAt(2)],
    )
    equal(linkAt(tail.heads.cut, writer.claim.instance), writer.linkAt(2))
    const again = await claimAgain(archive, writer)
    equal(again.claim.lastLink, writer.linkAt(2))
    equal((await newWriter(archive)).claim.lastLink, LINK_NONE)
  }),
  withWriter(
    'a batch under a sequence that another batch has is fenced, never taken for it [P92, P95]',
    async ({ archive }, writer) => {
      const mine = [write('a', writer.stamp(), 'mine')]
      await writer.put(...mine)
      const other = { claim: writer.claim, sequence: 1, link: 'f'.repeat(16), writes: mine }
      await rejects(archive.putBatch(other), { code: 'SE_INSTANCE_FENCED' })
      ok((await writer.send(1, mine)).wasCommittedBefore)
      await archive.foldTree()
      await archive.pruneLedger((await archive.readHeads()).nowMs + 60_000)
      await rejects(archive.putBatch(other), { code: 'SE_INSTANCE_FENCED' })
      ok((await writer.send(1, mine)).wasCommittedBefore)
      // What lies below the newest pruned row can no longer be told from another history's.
      await writer.put(write('b', writer.stamp(), 'b'))
      await archive.foldTree()
      await archive.pruneLedger((await archive.readHeads()).nowMs + 60_000)
      await rejects(writer.send(1, mine), { code: 'SE_INSTANCE_FENCED' })
    },
    ['pruneLedger'],
  ),
  withWriter('the same epoch under another name is fenced [P95]', async ({ archive }, writer) => {
    const claim = { ...writer.claim, nonce: newNonce() }
    const batch = { claim, sequence: 1, link: writer.linkAt(1), writes: [write('a', writer.stamp(), 'a')] }
    await rejects(archive.putBatch(batch), { code: 'SE_INSTANCE_FENCED' })
    await rejects(archive.touchInstance(claim), { code: 'SE_INSTANCE_FENCED' })
    equal((await archive.get('a')).kind, 'absent')
  }),
  withWriter(
    'a restore is told from the archive alone, also where the sequences were written again [P65, P88]',
    async (harness, writer) => {
      const { archive } = harness
      const other = await newWriter(archive)
      await other.put(write('o', other.stamp(), 'o'))
      await writer.put(write('a', writer.stamp(), 'a'))
      const restore = await harness.backup()
      const killed = writer.memory()
      await writer.put(write('b', writer.stamp(), 'lost'))
      await writer.put(write('c', writer.stamp(), 'lost'))
      const asleep = (await archive.readHeads()).cut
      const between: Cut = {
        ...asleep,
        positions: new Map([
          ...asleep.positions,
          [writer.claim.instance, { sequence: 2, link: writer.linkAt(2) }],
        ]),
      }
      await restore()
      // Its memory is older than the backup: it sees nothing, and nothing tells the archive to change its id.
      const nonce = newNonce()
      const claim = await archive.claimInstance({ memory: killed, knownNonces: [writer.nonce], nonce })
      equal(claim.isRestored, false)
      equal(claim.archiveId, asleep.archiveId)
      const again = new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
      for (const id of ['d', 'e', 'f']) await again.put(write(id, again.stamp(), 'after'))
      const { cut } = await archive.readHeads()
      ok(sequenceAt(cut, claim.instance) > sequenceAt(asleep, claim.instance))
      ok(!equalCuts(cut, asleep))
      equal(await gapOf(archive, asleep), 'another-history')
      equal(await gapOf(archive, between), 'another-history')
      // At the newest pruned row its link still tells; below, "pruned" does.
      await archive.foldTree()
      await archive.pruneLedger((await archive.readHeads()).nowMs + 60_000)
      await again.put(write('g', again.stamp(), 'after'))
      equal(await gapOf(archive, cut), 'no gap')
      const wrong = { sequence: sequenceAt(cut, claim.instance), link: '0123456789abcdef' }
      const elsewhere = { ...cut, positions: new Map([...cut.positions, [claim.instance, wrong]]) }
      equal(await gapOf(archive, elsewhere), 'another-history')
      equal(await gapOf(archive, asleep), 'pruned')
      await checkTree(harness)
    },
    ['pruneLedger'],
  ),
  withWriter(
    'a directory that remembers another link than the archive has finds the restore [P65]',
    async (harness, writer) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      const restore = await harness.backup()
      await writer.put(write('b', writer.stamp(), 'lost'))
      const memory = writer.memory()
      await restore()
      // Written again by one that does not know: the sequence is there, its batch is another one.
      const blind = new Writer(archive, writer.claim, writer.nonce, (await archive.readHeads()).nowMs)
      blind.sequence = 1
      await archive.putBatch({
        claim: blind.claim,
        sequence: 2,
        link: 'e'.repeat(16),
        writes: [write('b', blind.stamp(), 'again')],
      })
      await archive.putBatch({
        claim: blind.claim,
        sequence: 3,
        link: 'd'.repeat(16),
        writes: [write('c', blind.stamp(), 'again')],
      })
      const before = (await archive.readHeads()).cut
      const nonce = newNonce()
      const claim = await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce })
      ok(claim.isRestored)
      ok(claim.archiveId !== writer.claim.archiveId)
      equal(claim.lastSequence, 3)
      ok(claim.lastLink !== 'd'.repeat(16))
      equal(await gapOf(archive, before), 'another-archive')
      await checkTree(harness)
    },
  ),
]
