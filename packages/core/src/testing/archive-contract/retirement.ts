import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import { equalCuts, LINK_NONE, sequenceAt, type Cut } from '../../cut.ts'
import type { CompleteArchiveTier } from '../../archive-tier.ts'
import type { RetiredInstance } from '../../ledger.ts'
import { checkTree, newNonce, newWriter, tailRows, withWriter, write, type Writer } from './harness.ts'
import type { ArchiveContractCase } from './harness.ts'

const FAR_MS = 60_000

/** Asks for retirements; what was used is counted. */
async function retire(
  writer: Writer,
  { deadBeforeMs = 0, instancesMax = 1_000 }: { deadBeforeMs?: number; instancesMax?: number } = {},
): Promise<readonly RetiredInstance[]> {
  const sequence = writer.sequence + 1
  const link = writer.linkAt(sequence)
  const { archive, claim } = writer
  const retired = await archive.retireInstances({ claim, sequence, link, deadBeforeMs, instancesMax })
  if (retired.length > 0) writer.sequence = sequence
  return retired
}

async function foldAndPrune(archive: CompleteArchiveTier): Promise<void> {
  await archive.foldTree()
  await archive.pruneLedger((await archive.readHeads()).nowMs + FAR_MS)
}

/** An instance that wrote one batch and ended. */
async function endedWriter(archive: CompleteArchiveTier, id: string): Promise<Writer> {
  const writer = await newWriter(archive)
  await writer.put(write(id, writer.stamp(), id))
  await archive.endInstance(writer.claim)
  return writer
}

/** A case of an archive that retires instances, once their rows are pruned. */
const retiring: typeof withWriter = (title, body) =>
  withWriter(title, body, ['retireInstances', 'pruneLedger'])

/** Instances that nobody needs leave the archive, and the ledger says so. */
export const retirement: readonly ArchiveContractCase[] = [
  retiring(
    'an instance that has ended is retired once it is folded and pruned, and only then [P80]',
    async (harness, writer) => {
      const { archive } = harness
      const ended = await endedWriter(archive, 'a')
      deepEqual(await retire(writer), [])
      await archive.foldTree()
      deepEqual(await retire(writer), [])
      await foldAndPrune(archive)
      const { instance } = ended.claim
      const retired = [{ instance, sequence: 1, link: ended.linkAt(1) }]
      const before = (await archive.readHeads()).cut
      deepEqual(await retire(writer), retired)
      const { cut } = await archive.readHeads()
      ok(!cut.positions.has(instance))
      equal(sequenceAt(cut, writer.claim.instance), 1)
      deepEqual(
        (await tailRows(archive, before)).map(({ kind, entries, retired: gone, link }) => ({
          kind,
          entries,
          gone,
          link,
        })),
        [{ kind: 'retirement', entries: [], gone: retired, link: writer.linkAt(1) }],
      )
      await checkTree(harness)
      await archive.foldTree()
      ok(equalCuts((await archive.readTree()).cut, cut))
      equal((await archive.get('a')).kind, 'found')
      // What was retired is not there to be retired again.
      deepEqual(await retire(writer), [])
      equal((await writer.put(write('b', writer.stamp(), 'b'))).sequence, 2)
      await checkTree(harness)
    },
  ),
  retiring(
    'one that was not seen for long counts as dead, one that was is left [P80]',
    async ({ archive }, writer) => {
      const [dead, alive] = [await newWriter(archive), await newWriter(archive)]
      const { nowMs } = await archive.readHeads()
      deepEqual(await retire(writer, { deadBeforeMs: nowMs - FAR_MS }), [])
      // Nothing was ever written by them: no cut names them.
      while ((await archive.readHeads()).nowMs <= nowMs + 1)
        await new Promise((resolve) => setImmediate(resolve))
      await archive.touchInstance(alive.claim)
      const retired = await retire(writer, { deadBeforeMs: nowMs + 1 })
      deepEqual(retired, [{ instance: dead.claim.instance, sequence: 0, link: LINK_NONE }])
      await archive.touchInstance(alive.claim)
      await rejects(archive.touchInstance(dead.claim), { code: 'SE_INSTANCE_FENCED', message: /retired/ })
      equal((await alive.put(write('a', alive.stamp(), 'a'))).sequence, 1)
      await rejects(dead.put(write('b', dead.stamp(), 'b')), {
        code: 'SE_INSTANCE_FENCED',
        message: /retired/,
      })
      equal((await archive.get('b')).kind, 'absent')
    },
  ),
  retiring('nobody retires himself, and never more than was asked for [P80]', async ({ archive }, writer) => {
    const ended = []
    for (const id of ['a', 'b', 'c']) ended.push(await endedWriter(archive, id))
    await archive.endInstance(writer.claim)
    await foldAndPrune(archive)
    const { nowMs } = await archive.readHeads()
    const numbers = async () =>
      (await retire(writer, { deadBeforeMs: nowMs + FAR_MS, instancesMax: 2 })).map(
        ({ instance }) => instance,
      )
    deepEqual(
      await numbers(),
      ended.slice(0, 2).map(({ claim }) => claim.instance),
    )
    deepEqual(await numbers(), [ended[2]!.claim.instance])
    deepEqual(await numbers(), [])
  }),
  retiring(
    'a retirement sent again is settled, and under another link fenced [W5]',
    async ({ archive }, writer) => {
      await endedWriter(archive, 'a')
      await foldAndPrune(archive)
      const { claim } = writer
      const request = { claim, sequence: 1, link: writer.linkAt(1), deadBeforeMs: 0, instancesMax: 10 }
      const retired = await archive.retireInstances(request)
      equal(retired.length, 1)
      deepEqual(await archive.retireInstances(request), retired)
      await rejects(archive.retireInstances({ ...request, link: 'f'.repeat(16) }), {
        code: 'SE_INSTANCE_FENCED',
      })
      await rejects(archive.retireInstances({ ...request, sequence: 3 }), { code: 'SE_INSTANCE_FENCED' })
      equal(sequenceAt((await archive.readHeads()).cut, claim.instance), 1)
    },
  ),
  retiring(
    'a cut is led past a retirement only from exactly where the instance ended [P94]',
    async ({ archive }, writer) => {
      const ended = await newWriter(archive)
      const { instance } = ended.claim
      await ended.put(write('a', ended.stamp(), 'a'))
      const atFirst = (await archive.readHeads()).cut
      await ended.put(write('b', ended.stamp(), 'b'))
      await archive.endInstance(ended.claim)
      const atLast = (await archive.readHeads()).cut
      await foldAndPrune(archive)
      equal((await retire(writer)).length, 1)
      const because = async (from: Cut) => {
        const tail = await archive.readTail(from)
        return tail.kind === 'gap' ? tail.because : 'no gap'
      }
      const at = (sequence: number, link: string): Cut => ({
        ...atLast,
        positions: new Map([...atLast.positions, [instance, { sequence, link }]]),
      })
      equal(await because(atLast), 'no gap')
      equal(await because(atFirst), 'pruned')
      equal(await because({ ...atLast, positions: new Map() }), 'pruned')
      equal(await because(at(2, 'f'.repeat(16))), 'another-history')
      equal(await because(at(3, 'f'.repeat(16))), 'another-history')
      // Beyond the retirement the instance must be gone from the cut as well.
      const { cut } = await archive.readHeads()
      equal(await because(cut), 'no gap')
      equal(
        await because({
          ...cut,
          positions: new Map([...cut.positions, [instance, { sequence: 2, link: ended.linkAt(2) }]]),
        }),
        'another-history',
      )
      // An instance that the archive never had, explained by nobody.
      equal(
        await because({
          ...cut,
          positions: new Map([...cut.positions, [instance + 7, { sequence: 1, link: ended.linkAt(1) }]]),
        }),
        'another-history',
      )
    },
  ),
  retiring('a retirement that a restore undoes is another history [P94]', async (harness, writer) => {
    const { archive } = harness
    await endedWriter(archive, 'a')
    await foldAndPrune(archive)
    const restore = await harness.backup()
    equal((await retire(writer)).length, 1)
    const after = (await archive.readHeads()).cut
    await restore()
    equal((await archive.readTail(after)).kind, 'gap')
    writer.sequence = 0
    await archive.putBatch({
      claim: writer.claim,
      sequence: 1,
      link: 'c'.repeat(16),
      writes: [write('b', writer.stamp(), 'b')],
    })
    equal((await archive.readTail(after)).kind, 'gap')
    await checkTree(harness)
  }),
  retiring(
    'a directory whose instance was retired gets a new number, and numbers are not used again [P80]',
    async ({ archive }, writer) => {
      const ended = await endedWriter(archive, 'a')
      await foldAndPrune(archive)
      equal((await retire(writer)).length, 1)
      const claim = await archive.claimInstance({
        memory: ended.memory(),
        knownNonces: [ended.nonce],
        nonce: newNonce(),
      })
      equal(claim.isRestored, false)
      equal(claim.archiveId, writer.claim.archiveId)
      ok(claim.instance > ended.claim.instance)
      equal(claim.lastSequence, 0)
      equal(claim.lastLink, LINK_NONE)
      ok((await newWriter(archive)).claim.instance > claim.instance)
    },
  ),
  retiring('an instance that ended and starts again is not retired [P80]', async ({ archive }, writer) => {
    const ended = await endedWriter(archive, 'a')
    const nonce = newNonce()
    const claim = await archive.claimInstance({ memory: ended.memory(), knownNonces: [ended.nonce], nonce })
    equal(claim.instance, ended.claim.instance)
    await foldAndPrune(archive)
    deepEqual(await retire(writer), [])
    await rejects(archive.endInstance(ended.claim), { code: 'SE_INSTANCE_FENCED' })
    await archive.endInstance(claim)
    equal((await retire(writer)).length, 1)
  }),
  retiring('many starts leave few instances, in the heads and in the tree [P80]', async (harness, writer) => {
    const { archive } = harness
    for (let round = 0; round < 3; round++) {
      for (let start = 0; start < 20; start++) await endedWriter(archive, `id.${start % 7}`)
      await foldAndPrune(archive)
      equal((await retire(writer)).length, 20)
    }
    equal((await archive.readHeads()).cut.positions.size, 1)
    await archive.foldTree()
    equal((await archive.readTree()).cut.positions.size, 1)
    await checkTree(harness)
  }),
]
