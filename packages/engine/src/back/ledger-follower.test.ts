/**
 * Goal: the front hears of the ledger in messages that are whole, and in an order in which nothing of a lost history can pass for
 * new. Method: a follower on an archive in memory, and all that it sends.
 */
import { createBranchSet, stampTimeOf, type InstanceClaim, type ItemWrite } from '@se/core'
import { createFakeClock, linkOf } from '@se/core/testing'
import { DigestTree } from '@se/merkle'
import { expect, it } from 'vitest'
import type { ToFront } from '../seam/messages.ts'
import { createMemoryTiers } from '../testing/memory-tiers.ts'
import { LedgerFollower } from './ledger-follower.ts'
import { TreeView } from './tree-view.ts'

const BRANCHES = createBranchSet([])

async function createFollower() {
  const clock = createFakeClock()
  const { archive } = createMemoryTiers({ clock, seed: 1 })
  await archive.open({ branches: BRANCHES, digests: 'keyed' })
  const claim: InstanceClaim = await archive.claimInstance({
    memory: undefined,
    knownNonces: [],
    nonce: 'c'.repeat(32),
  })
  const told: (ToFront | { readonly kind: 'went-back' })[] = []
  let failing: ToFront['kind'] | undefined
  const follower = new LedgerFollower(
    {
      archive,
      branches: BRANCHES,
      tree: new TreeView(new DigestTree(BRANCHES), {}),
      front: {
        send(message) {
          told.push(message)
          if (message.kind === failing) {
            failing = undefined
            throw new Error('arranged')
          }
        },
      },
      wentBack: () => void told.push({ kind: 'went-back' }),
      telemetry: { clock, observer: {} },
    },
    claim.archiveId,
  )
  let sequence = claim.lastSequence
  const put = (...ids: string[]) => {
    sequence++
    const writes = ids.map((id): ItemWrite => ({
      id,
      stamp: { time: stampTimeOf(clock.nowMs()) + sequence, instance: claim.instance },
      state: '',
      contentType: '',
      bytes: new Uint8Array([sequence]),
    }))
    return archive.putBatch({ claim, sequence, link: linkOf(claim.instance, sequence), writes })
  }
  const since = () => told.splice(0)
  const failOn = (kind: ToFront['kind']) => void (failing = kind)
  return { archive, follower, put, since, failOn }
}

it('tells of the tree at the start, then of the ids, then of each step', async () => {
  const { follower, put, since } = await createFollower()
  await put('a', 'b')
  await follower.loadTree()
  expect(since()).toMatchObject([{ kind: 'started-over', wentBack: false, tree: { count: 2 } }])
  expect(follower.isBehind(follower.cut)).toBe(true)
  await follower.rebuildFilter()
  expect(since()).toMatchObject([
    { kind: 'ids-begin' },
    { kind: 'ids', ids: ['a', 'b'] },
    { kind: 'heard', changes: [], filter: { from: 'ids', changes: [] } },
  ])
  expect(follower.isBehind(follower.cut)).toBe(false)
  await put('c')
  await follower.catchUp()
  const [heard] = since()
  expect(heard).toMatchObject({
    kind: 'heard',
    cut: follower.cut,
    changes: [{ id: 'c', wasLive: false, isLive: true }],
    filter: undefined,
    tree: { count: 3, trust: { isTrusted: true } },
  })
})

it('sends a filter from a snapshot what it lacks, from its own cut', async () => {
  const { follower, put, since } = await createFollower()
  await follower.loadTree()
  const { cut } = follower
  await put('a')
  await follower.loadTree()
  since()
  await expect(follower.followFilter(cut)).resolves.toEqual({ batches: 1 })
  expect(since()).toMatchObject([
    { kind: 'heard', changes: [], filter: { from: 'own-cut', changes: [{ id: 'a' }] } },
  ])
})

it('of an archive that went back, the stripes are forgotten before the new cut is told [P65, P66]', async () => {
  const { archive, follower, put, since } = await createFollower()
  const backup = archive.backup()
  await put('a')
  await follower.loadTree()
  await follower.rebuildFilter()
  since()
  archive.restoreTo(backup)
  await follower.catchUp()
  expect(since().map(({ kind }) => kind)).toEqual([
    'filter-lost',
    'went-back',
    'started-over',
    'ids-begin',
    'heard',
  ])
})

it('begins again with the ids where it could not finish', async () => {
  const { archive, follower, since } = await createFollower()
  await follower.loadTree()
  since()
  archive.failNext('readTail', 'before', new Error('arranged'))
  await expect(follower.rebuildFilter()).rejects.toThrow('arranged')
  expect(since().map(({ kind }) => kind)).toEqual(['ids-begin', 'ids-dropped'])
  await follower.catchUp()
  expect(since().map(({ kind }) => kind)).toEqual(['ids-begin', 'heard'])
})

const ALL_ANEW = ['filter-lost', 'started-over', 'ids-begin', 'ids', 'heard']

it.each(['catchUp', 'rebuildFilter'] as const)(
  'what the front has failed to take is not passed over: %s starts over [R2, R5]',
  async (next) => {
    const { follower, put, since, failOn } = await createFollower()
    await follower.loadTree()
    await follower.rebuildFilter()
    await put('a')
    failOn('heard')
    await expect(follower.catchUp()).rejects.toThrow('arranged')
    expect(follower.isBehind(follower.cut)).toBe(true)
    since()
    await follower[next]()
    const sent = since()
    expect(sent.map(({ kind }) => kind)).toEqual(ALL_ANEW)
    expect(sent[1]).toMatchObject({ wentBack: false, tree: { count: 1 } })
    expect(follower.isBehind(follower.cut)).toBe(false)
    await put('b')
    await follower.catchUp()
    expect(since()).toMatchObject([{ kind: 'heard', changes: [{ id: 'b' }], tree: { count: 2 } }])
  },
)

it('a front that fails while it hears that the archive went back hears it again [P65]', async () => {
  const { archive, follower, put, since, failOn } = await createFollower()
  const backup = archive.backup()
  await put('a')
  await follower.loadTree()
  await follower.rebuildFilter()
  archive.restoreTo(backup)
  failOn('started-over')
  await expect(follower.catchUp()).rejects.toThrow('arranged')
  since()
  await follower.catchUp()
  expect(since()).toContainEqual(expect.objectContaining({ kind: 'started-over', wentBack: true }))
})

it('where the archive goes back after the front has failed, the front hears of that too [P65]', async () => {
  const { archive, follower, put, since, failOn } = await createFollower()
  const backup = archive.backup()
  await follower.loadTree()
  await follower.rebuildFilter()
  await put('a')
  failOn('heard')
  await expect(follower.catchUp()).rejects.toThrow('arranged')
  archive.restoreTo(backup)
  await follower.catchUp()
  expect(since()).toContainEqual(expect.objectContaining({ kind: 'started-over', wentBack: true }))
})
