import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import {
  allRows,
  BRANCHES,
  checkTree,
  newNonce,
  newWriter,
  tailRows,
  withWriter,
  write,
  Writer,
  type ArchiveContractCase,
} from './harness.ts'

export const claims: readonly ArchiveContractCase[] = [
  withWriter('a take-over raises the epoch and fences the old holder [P52]', async ({ archive }, writer) => {
    await writer.put(write('a', writer.stamp(), 'a'))
    const nonce = newNonce()
    const claim = await archive.claimInstance({ memory: writer.memory(), knownNonces: [writer.nonce], nonce })
    equal(claim.instance, writer.claim.instance)
    ok(claim.epoch > writer.claim.epoch)
    equal(claim.lastSequence, 1)
    equal(claim.isRestored, false)
    equal(claim.archiveId, writer.claim.archiveId)
    await rejects(writer.put(write('b', writer.stamp(), 'b')), { code: 'SE_INSTANCE_FENCED' })
    equal((await archive.get('b')).kind, 'absent')
    // Not even a batch that had been committed is told to someone who was fenced.
    await rejects(writer.send(1, [write('a', writer.stamp(), 'a')]), { code: 'SE_INSTANCE_FENCED' })
    const taker = new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
    equal((await taker.put(write('c', taker.stamp(), 'c'))).sequence, 2)
  }),
  withWriter(
    'of a directory and its copy the first to claim wins, the other is fenced [P52]',
    async ({ archive }, writer) => {
      const memory = writer.memory()
      const copy = newNonce()
      await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce: copy })
      const claim = archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce: newNonce() })
      await rejects(claim, { code: 'SE_INSTANCE_FENCED' })
    },
  ),
  withWriter('a claim whose answer was lost is found again by its name', async ({ archive }) => {
    const lost = newNonce()
    const first = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: lost })
    const again = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: lost })
    equal(again.instance, first.instance)
    ok(again.epoch > first.epoch)
    // The answer that was lost arrives after all: under the same name, but the epoch is not ours any more.
    const late = new Writer(archive, first, lost, (await archive.readHeads()).nowMs)
    await rejects(late.put(write('late', late.stamp(), 'l')), { code: 'SE_INSTANCE_FENCED' })
    await rejects(archive.touchInstance(first), { code: 'SE_INSTANCE_FENCED' })
    const next = await archive.claimInstance({ memory: undefined, knownNonces: [lost], nonce: newNonce() })
    equal(next.instance, first.instance)
    ok(next.epoch > again.epoch)
  }),
  withWriter('new directories get numbers of their own', async ({ archive }, writer) => {
    const numbers = [writer.claim.instance]
    for (let count = 0; count < 3; count++) numbers.push((await newWriter(archive)).claim.instance)
    equal(new Set(numbers).size, 4)
    for (const number of numbers) ok(Number.isInteger(number) && number >= 1)
  }),
  withWriter('a directory of another archive is refused', async ({ archive }, writer) => {
    const memory = { ...writer.memory(), birthId: 'f'.repeat(32) }
    const claim = archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce: newNonce() })
    await rejects(claim, { code: 'SE_ARCHIVE_MISMATCH' })
  }),
  withWriter('the claim tells the highest stamp of the instance', async ({ archive }, writer) => {
    equal(writer.claim.maxStampTime, 0)
    const [low, high] = [writer.stamp(), writer.stamp()]
    await writer.put(write('a', high, 'a'))
    await writer.put(write('b', low, 'b'))
    const memory = writer.memory()
    const claim = await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce: newNonce() })
    equal(claim.maxStampTime, high.time)
  }),
  withWriter(
    'an archive that went back is found by its sequence: new id, sequences not used again [P65]',
    async (harness, writer, description) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      await archive.foldTree()
      await writer.put(write('b', writer.stamp(), 'b'))
      const restore = await harness.backup()
      await writer.put(write('c', writer.stamp(), 'c'))
      await writer.put(write('d', writer.stamp(), 'd'))
      const ahead = (await archive.readHeads()).cut
      await restore()
      equal((await archive.readTail(ahead)).kind, 'gap')

      const nonce = newNonce()
      const claim = await archive.claimInstance({
        memory: writer.memory(),
        knownNonces: [writer.nonce],
        nonce,
      })
      ok(claim.isRestored)
      ok(claim.archiveId !== writer.claim.archiveId)
      await archive.close()
      const reopened = await archive.open({ branches: BRANCHES, digests: 'keyed' })
      deepEqual([reopened.birthId, reopened.archiveId], [description.birthId, claim.archiveId])
      equal(claim.instance, writer.claim.instance)
      equal(claim.lastSequence, 4)
      ok(claim.epoch > writer.claim.epoch)
      const tail = await archive.readTail(ahead)
      ok(tail.kind === 'gap')
      equal(tail.because, 'another-archive')
      equal(tail.heads.cut.archiveId, claim.archiveId)
      await checkTree(harness)

      // Views of before end; those that start over go on.
      const started = (await allRows(archive)).cut
      const replayer = new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
      equal((await replayer.put(write('c', replayer.stamp(), 'replayed'))).sequence, 5)
      deepEqual(
        (await tailRows(archive, started)).map(({ sequence }) => sequence),
        [5],
      )
      // The sequences that were lost will never be filled: they count as pruned.
      equal((await archive.readHeads()).prunedSequences.get(claim.instance), 4)
      const outdated = await archive.readTail({
        archiveId: claim.archiveId,
        positions: new Map([[claim.instance, { sequence: 2, link: writer.linkAt(2) }]]),
      })
      equal(outdated.kind, 'gap')
      await archive.foldTree()
      await checkTree(harness)
    },
  ),
  withWriter(
    'the same backup restored twice is a restore both times, as the birth id says which archive it is [P65]',
    async (harness, writer) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      const restore = await harness.backup()
      await writer.put(write('b', writer.stamp(), 'b'))
      await restore()
      const nonce = newNonce()
      const memory = writer.memory()
      const first = await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce })
      ok(first.isRestored)
      const replayer = new Writer(archive, first, nonce, (await archive.readHeads()).nowMs)
      await replayer.put(write('c', replayer.stamp(), 'c'))
      await restore()
      const again = await archive.claimInstance({
        memory: replayer.memory(),
        knownNonces: [nonce],
        nonce: newNonce(),
      })
      ok(again.isRestored)
      equal(again.birthId, first.birthId)
      await archive.foldTree()
      await checkTree(harness)
    },
  ),
  withWriter(
    'after a restore every directory is told, whoever found it first [P65]',
    async (harness, writer) => {
      const { archive } = harness
      const other = await newWriter(archive)
      await other.put(write('o', other.stamp(), 'o'))
      const restore = await harness.backup()
      await writer.put(write('a', writer.stamp(), 'a'))
      await restore()
      const found = await archive.claimInstance({
        memory: writer.memory(),
        knownNonces: [writer.nonce],
        nonce: newNonce(),
      })
      ok(found.isRestored)
      const told = await archive.claimInstance({
        memory: other.memory(),
        knownNonces: [other.nonce],
        nonce: newNonce(),
      })
      ok(told.isRestored)
      equal(told.archiveId, found.archiveId)
      equal(told.instance, other.claim.instance)
      equal(told.lastSequence, 1)
      await checkTree(harness)
    },
  ),
  withWriter(
    'an instance that the restored archive never met keeps its number and its sequences [P65]',
    async (harness, writer) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      const restore = await harness.backup()
      const lost = await newWriter(archive)
      await lost.put(write('b', lost.stamp(), 'b'))
      await restore()
      const claim = await archive.claimInstance({
        memory: lost.memory(),
        knownNonces: [lost.nonce],
        nonce: newNonce(),
      })
      ok(claim.isRestored)
      equal(claim.instance, lost.claim.instance)
      equal(claim.lastSequence, 1)
      await checkTree(harness)
      const again = new Writer(archive, claim, lost.nonce, (await archive.readHeads()).nowMs)
      equal((await again.put(write('b', again.stamp(), 'b'))).sequence, 2)
      await archive.foldTree()
      await checkTree(harness)
    },
  ),
  withWriter(
    'a number that went to a stranger after the restore is left to the stranger [P65]',
    async (harness, writer) => {
      const { archive } = harness
      const restore = await harness.backup()
      const lost = await newWriter(archive)
      await lost.put(write('mine', lost.stamp(), 'mine'))
      await restore()
      const stranger = await newWriter(archive)
      equal(stranger.claim.instance, lost.claim.instance)
      const claim = await archive.claimInstance({
        memory: lost.memory(),
        knownNonces: [lost.nonce],
        nonce: newNonce(),
      })
      ok(claim.isRestored)
      ok(claim.instance !== stranger.claim.instance && claim.instance !== writer.claim.instance)
      equal((await stranger.put(write('theirs', stranger.stamp(), 'theirs'))).outcomes[0]?.kind, 'won')
      await checkTree(harness)
    },
  ),
  withWriter(
    'a writer that runs on while the archive goes back is stopped [P65]',
    async (harness, writer) => {
      const { archive } = harness
      const restore = await harness.backup()
      await writer.put(write('a', writer.stamp(), 'a'))
      await restore()
      await rejects(writer.put(write('b', writer.stamp(), 'b')), { code: 'SE_INSTANCE_FENCED' })
      equal((await archive.get('b')).kind, 'absent')
    },
  ),
]
