import { describe, expect, it } from 'vitest'
import { createBranchSet } from '../branch.ts'
import type { ArchivedRow } from '../archive-tier.ts'
import type { LedgerEntry, StoredTreePage } from '../ledger.ts'
import { linkOf } from './cuts.ts'
import { archiveContract, type ArchiveHarness } from './archive-contract.ts'
import { without } from './without.ts'
import { memoryArchive, type MemoryArchive } from './memory-archive.ts'

const seed = Number(process.env['SE_SEED'] ?? 7)
console.log(`seed ${seed} (repeat with SE_SEED=${seed})`)

/** A digest good enough to tell rows apart: core knows no real one. */
function toyDigest(row: Pick<ArchivedRow, 'id' | 'stamp' | 'bytes'>): Uint8Array {
  const digest = new Uint8Array(16)
  const input = Buffer.concat([Buffer.from(`${row.id}|${row.stamp.time}|`), row.bytes ?? new Uint8Array(0)])
  for (const [index, byte] of input.entries()) digest[index % 16] = (digest[index % 16]! * 31 + byte) & 0xff
  return digest
}

/** A toy tree: one page a branch, the digests added byte by byte. */
function toyPages(
  pages: readonly StoredTreePage[],
  changes: readonly Pick<LedgerEntry, 'id' | 'digest' | 'previousDigest'>[],
  branches = createBranchSet(['user.', 'user.admin.']),
): StoredTreePage[] {
  const sums = new Map(pages.map(({ branch, bytes }) => [branch, new Uint8Array(bytes)]))
  for (const { id, digest, previousDigest } of changes) {
    const branch = branches.branchOf(id)
    const sum = sums.get(branch) ?? new Uint8Array(16)
    for (let index = 0; index < 16; index++)
      sum[index]! += (digest?.[index] ?? 0) - (previousDigest?.[index] ?? 0)
    sums.set(branch, sum)
  }
  return [...sums]
    .filter(([, sum]) => sum.some((byte) => byte !== 0))
    .sort(([a], [b]) => a - b)
    .map(([branch, bytes]) => ({ branch, page: 0, bytes }))
}

function newArchive(): MemoryArchive {
  return memoryArchive({
    digestRow: (write) => toyDigest(write),
    foldPages: (pages, rows, branches) =>
      toyPages(
        pages,
        rows.flatMap(({ entries }) => entries),
        branches,
      ),
  })
}

function newHarness(): ArchiveHarness {
  const archive = newArchive()
  const rootOf = (pages: readonly StoredTreePage[]) =>
    JSON.stringify(pages.map((page) => [page.branch, ...page.bytes]))
  return {
    archive,
    peer: archive.peer(),
    backup: async () => {
      const backup = archive.backup()
      return async () => archive.restoreTo(backup)
    },
    digestRow: toyDigest,
    rootOfPages: (pages, rows) =>
      rootOf(
        toyPages(
          pages,
          rows.flatMap(({ entries }) => entries),
        ),
      ),
    rootOfRows: (rows) =>
      rootOf(
        toyPages(
          [],
          rows.map(({ id, digest }) => ({ id, digest, previousDigest: undefined })),
        ),
      ),
    seed,
  }
}

describe('memory archive: contract', () => {
  for (const { title, run } of archiveContract) it(title, () => run(newHarness()))
})

/** Goal: an archive that lacks optional powers can be held to everything else. */
describe('an archive that does no upkeep', () => {
  const upkeep = ['retireInstances', 'collectTombstones', 'pruneLedger'] as const
  for (const { title, needs = [], run } of archiveContract) {
    const lacking = () => {
      const harness = newHarness()
      const { archive, peer } = harness
      return {
        ...harness,
        archive: without(archive, upkeep),
        ...(peer === undefined ? {} : { peer: without(peer, upkeep) }),
      }
    }
    if (needs.length === 0) it(title, () => run(lacking()))
    else it(`needs ${needs.join(' and ')}: ${title}`, () => expect(run(lacking())).rejects.toThrow())
  }
})

it('100,000 starts leave at most 200 instances [P80]', async () => {
  const archive = newArchive()
  await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
  let nonceCount = 0
  const claim = () => {
    nonceCount += 1
    const nonce = nonceCount.toString(16).padStart(32, '0')
    return archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
  }
  const keeper = await claim()
  let kept = 0
  let most = 0
  for (let start = 1; start <= 100_000; start++) {
    const own = await claim()
    const { instance } = own
    const write = {
      id: `id.${start % 100}`,
      stamp: { time: start, instance },
      state: 's',
      contentType: '',
      bytes: Uint8Array.of(1),
    }
    await archive.putBatch({ claim: own, sequence: 1, link: linkOf(1, start), writes: [write] })
    await archive.endInstance(own)
    if (start % 150 > 0) continue
    await archive.foldTree()
    const { nowMs, cut } = await archive.readHeads()
    most = Math.max(most, cut.positions.size)
    await archive.pruneLedger(nowMs + 1)
    const request = { claim: keeper, sequence: kept + 1, link: linkOf(2, kept + 1) }
    const retired = await archive.retireInstances({ ...request, deadBeforeMs: 0, instancesMax: 1_000 })
    kept += 1
    expect(retired).toHaveLength(150)
    expect((await archive.readHeads()).cut.positions.size).toBeLessThanOrEqual(1)
  }
  expect(most).toBeLessThanOrEqual(200)
  expect((await archive.readTree()).cut.positions.size).toBeLessThanOrEqual(200)
}, 60_000)

describe('memory archive: switches', () => {
  const write = (id: string, time: number) => ({
    id,
    stamp: { time, instance: 1 },
    state: '',
    contentType: '',
    bytes: new Uint8Array([1]),
  })

  async function opened() {
    const archive = newArchive()
    await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
    const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce: '0'.repeat(32) })
    return { archive, claim }
  }

  it('a failure after the commit loses the answer, not the batch [W5]', async () => {
    const { archive, claim } = await opened()
    archive.failNext('putBatch', 'after-commit')
    const batch = { claim, sequence: 1, link: linkOf(1, 1), writes: [write('a', 5)] }
    await expect(archive.putBatch(batch)).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect((await archive.get('a')).kind).toBe('found')
    expect(await archive.putBatch(batch)).toMatchObject({
      wasCommittedBefore: true,
      outcomes: [{ kind: 'won' }],
    })
  })

  it('a failure before leaves the archive as it was, and happens once', async () => {
    const { archive, claim } = await opened()
    archive.failNext('putBatch', 'before', new TypeError('arranged'))
    const batch = { claim, sequence: 1, link: linkOf(1, 1), writes: [write('a', 5)] }
    await expect(archive.putBatch(batch)).rejects.toThrow('arranged')
    expect((await archive.get('a')).kind).toBe('absent')
    expect((await archive.putBatch(batch)).wasCommittedBefore).toBe(false)
  })

  it('unavailable to one process, lookups are unknown there, and another goes on [R1]', async () => {
    const { archive } = await opened()
    const peer = archive.peer()
    await peer.open({ branches: createBranchSet(), digests: 'unkeyed' })
    archive.setAvailable(false)
    expect((await archive.get('a')).kind).toBe('unknown')
    await expect(archive.readHeads()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect((await peer.get('a')).kind).toBe('absent')
    archive.setAvailable(true)
    expect((await archive.get('a')).kind).toBe('absent')
  })
})
