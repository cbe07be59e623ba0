import { describe, expect, it } from 'vitest'
import { stampTimeOf, type InstanceMemory, type ItemWrite, type WriteOutcome } from '@se/core'
import { createFakeClock, seededRandom } from '@se/core/testing'
import { planClaim, type ClaimFacts } from '../src/claim.ts'
import type { RowHeader } from '../src/item-row.ts'
import { planBatch, type PreparedWrite } from '../src/plan-batch.ts'
import { withRetries } from '../src/retry.ts'
import type { InstanceRow } from '../src/schema.ts'
import { outcomesOfCommitted } from '../src/resolve-fate.ts'

const NOW_MS = 1_000_000
const digest = new Uint8Array(16)

function prepared(time: number, options: { isDelete?: boolean; instance?: number } = {}): PreparedWrite {
  const write: ItemWrite = {
    id: 'a',
    stamp: { time, instance: options.instance ?? 2 },
    state: 's',
    contentType: '',
    bytes: options.isDelete === true ? undefined : Uint8Array.of(1),
  }
  return { write, position: 0, digest: write.bytes && digest }
}

const live: RowHeader = {
  stamp: { time: 500, instance: 2 },
  version: 4,
  isDeleted: false,
  digest,
  createdAtMs: 77,
}
const dead: RowHeader = { ...live, isDeleted: true, digest: undefined }
const conditions = { collectionFloor: 300, recordedTime: 0, nowMs: NOW_MS }

describe('what becomes of a write', () => {
  const latest = stampTimeOf(NOW_MS + 1_001) - 1
  const SECOND = stampTimeOf(1_000)
  const ahead: RowHeader = { ...live, stamp: { time: latest + 1, instance: 2 } }
  it.each<[string, PreparedWrite, RowHeader | undefined, WriteOutcome, number?]>([
    ['no row, at the floor [W4]', prepared(300), undefined, { kind: 'refused', because: 'below-collection-floor' }],
    ['no row, above the floor [W4]', prepared(301), undefined, { kind: 'won', version: 1, createdAtMs: 0, wasLive: false }],
    ['a delete below the floor [W4]', prepared(300, { isDelete: true }), undefined, { kind: 'refused', because: 'below-collection-floor' }],
    ['a row, below the floor, newer [W3]', prepared(250), { ...live, stamp: { time: 200, instance: 2 } }, { kind: 'won', version: 5, createdAtMs: 77, wasLive: true }],
    ['older [W3]', prepared(499), live, { kind: 'superseded', by: live.stamp, isFromFuture: false }],
    ['equal time, lower instance [W3]', prepared(500, { instance: 1 }), live, { kind: 'superseded', by: live.stamp, isFromFuture: false }],
    ['equal [W3]', prepared(500), live, { kind: 'held', version: 4, createdAtMs: 77 }],
    ['equal time, higher instance [W3]', prepared(500, { instance: 3 }), live, { kind: 'won', version: 5, createdAtMs: 77, wasLive: true }],
    ['a delete [W4]', prepared(501, { isDelete: true }), live, { kind: 'won', version: 5, createdAtMs: 77, wasLive: true }],
    ['again after a delete [P19]', prepared(stampTimeOf(9)), dead, { kind: 'won', version: 5, createdAtMs: 9, wasLive: false }],
    ['a delete of what is deleted', prepared(501, { isDelete: true }), dead, { kind: 'won', version: 5, createdAtMs: 77, wasLive: false }],
    ['1 s ahead', prepared(latest), undefined, { kind: 'won', version: 1, createdAtMs: NOW_MS + 1_000, wasLive: false }],
    ['over 1 s ahead', prepared(latest + 1), undefined, { kind: 'refused', because: 'stamp-ahead-of-archive' }],
    ['over 1 s ahead, on a row', prepared(latest + 1), live, { kind: 'refused', because: 'stamp-ahead-of-archive' }],
    ['over 1 s ahead, not above what is recorded [P67]', prepared(latest + 1), undefined, { kind: 'won', version: 1, createdAtMs: NOW_MS + 1_001, wasLive: false }, latest + 1],
    ['over 1 s ahead, above what is recorded [P67]', prepared(latest + 2), undefined, { kind: 'refused', because: 'stamp-ahead-of-archive' }, latest + 1],
    ['over 1 s ahead, 1 s above the row [P67]', prepared(latest + 1 + SECOND), ahead, { kind: 'won', version: 5, createdAtMs: 77, wasLive: true }],
    ['over 1 s ahead, over 1 s above the row [P67]', prepared(latest + 2 + SECOND), ahead, { kind: 'refused', because: 'stamp-ahead-of-archive' }],
    ['older than a row from the future [P67]', prepared(latest), ahead, { kind: 'superseded', by: ahead.stamp, isFromFuture: true }],
    ['over 1 s ahead, and there already', prepared(latest + 1), { ...live, stamp: { time: latest + 1, instance: 2 } }, { kind: 'held', version: 4, createdAtMs: 77 }],
  ])('%s', (_title, write, head, expected, recordedTime = 0) => {
    const heads = new Map(head === undefined ? [] : [['a', head]])
    const plan = planBatch([write], heads, { ...conditions, recordedTime }, { instance: 7, sequence: 8 })
    expect(plan.outcomes).toEqual([expected])
    const isWon = expected.kind === 'won'
    expect(plan.rows).toHaveLength(isWon ? 1 : 0)
    expect(plan.entries).toEqual(
      isWon
        ? [
            {
              id: 'a',
              stamp: write.write.stamp,
              previousStamp: head?.stamp,
              digest: write.digest,
              previousDigest: head?.digest,
            },
          ]
        : [],
    )
  }) // prettier-ignore

  it('a delete that had won and was collected since is held, without a version [W5]', () => {
    const write = prepared(500, { isDelete: true })
    const entry = {
      id: 'a',
      stamp: write.write.stamp,
      previousStamp: undefined,
      digest: undefined,
      previousDigest: digest,
    }
    expect(outcomesOfCommitted([write], [entry], new Map(), { collectionFloor: 600, nowMs: NOW_MS })).toEqual(
      [{ kind: 'held', version: 0, createdAtMs: 0 }],
    )
    expect(outcomesOfCommitted([write], [], new Map(), { collectionFloor: 600, nowMs: NOW_MS })).toEqual([
      { kind: 'refused', because: 'below-collection-floor' },
    ])
    expect(outcomesOfCommitted([write], [], new Map(), { collectionFloor: 400, nowMs: NOW_MS })).toEqual([
      { kind: 'refused', because: 'stamp-ahead-of-archive' },
    ])
  })
})

describe('whose instance a directory is [P52, P65]', () => {
  const memory: InstanceMemory = {
    birthId: 'born',
    archiveId: 'now',
    instance: 3,
    epoch: 5,
    lastSequence: 40,
    lastLink: 'f0',
  }
  const row: InstanceRow = {
    number: 3,
    epoch: 5,
    nonce: 'mine',
    last_sequence: 40,
    link: 'f0',
    pruned_sequence: 10,
    pruned_link: 'e0',
    max_stamp: 0,
    floor: 0,
    attempt: 0,
    state: 'active',
    claimed_at: 0,
    seen_at: 0,
  }
  const foreign: InstanceRow = { ...row, nonce: 'other' }
  const facts = (
    named?: InstanceRow,
    numbered?: InstanceRow,
    more: Partial<Pick<ClaimFacts, 'lastNumber' | 'rememberedLink'>> = {},
  ): ClaimFacts => ({
    birthId: 'born',
    archiveId: 'now',
    lastNumber: 2,
    named,
    numbered,
    rememberedLink: memory.lastLink,
    ...more,
  })
  const plan = (known: InstanceMemory | undefined, found: ClaimFacts) =>
    planClaim({ memory: known, knownNonces: ['mine'], nonce: 'next' }, found)

  it.each([
    ['a new directory', undefined, facts(), { kind: 'new', isRestored: false, hasGoneBack: false }],
    ['found by a lost claim', undefined, facts(row), { kind: 'take-over', epoch: 6, lastSequence: 40, isRestored: false }],
    ['as remembered', memory, facts(row, row), { kind: 'take-over', epoch: 6, lastSequence: 40, isRestored: false }],
    ['the archive is ahead', memory, facts({ ...row, last_sequence: 44 }), { kind: 'take-over', lastSequence: 44, isRestored: false }],
    ['lower sequence', memory, facts({ ...row, last_sequence: 39 }), { kind: 'take-over', lastSequence: 40, hasGoneBack: true, isRestored: true }],
    ['lower epoch', memory, facts({ ...row, epoch: 4 }), { kind: 'take-over', epoch: 6, hasGoneBack: true, isRestored: true }],
    ['another link at the remembered sequence [P88]', memory, facts({ ...row, last_sequence: 44 }, row, { rememberedLink: 'f1' }), { kind: 'take-over', epoch: 6, lastSequence: 44, hasGoneBack: true, isRestored: true }],
    ['the link is pruned', memory, facts({ ...row, last_sequence: 44 }, row, { rememberedLink: undefined }), { kind: 'take-over', lastSequence: 44, hasGoneBack: false }],
    ['retired meanwhile [P80]', memory, facts(undefined, undefined, { lastNumber: 3 }), { kind: 'new', hasGoneBack: false, isRestored: false }],
    ['no row', memory, facts(), { kind: 'recreate', number: 3, epoch: 6, lastSequence: 40, hasGoneBack: true }],
    ['a row of another name, same epoch', memory, facts(undefined, foreign), { kind: 'new', hasGoneBack: true, isRestored: true }],
    ['memory of another id, row as it was', { ...memory, archiveId: 'other' }, facts(row), { kind: 'take-over', hasGoneBack: false, isRestored: true }],
    ['memory of another id, row behind', { ...memory, archiveId: 'other' }, facts({ ...row, last_sequence: 1 }), { kind: 'take-over', lastSequence: 40, hasGoneBack: true, isRestored: true }],
    ['memory of another id, number taken', { ...memory, archiveId: 'other' }, facts(undefined, { ...foreign, epoch: 9 }), { kind: 'new', hasGoneBack: false, isRestored: true }],
    ['another number under our name', memory, facts({ ...row, number: 9, epoch: 1, last_sequence: 0 }), { kind: 'take-over', epoch: 2, lastSequence: 0, hasGoneBack: false }],
  ])('%s', (_title, known, found, expected) => {
    expect(plan(known, found)).toMatchObject(expected)
  }) // prettier-ignore

  it('a higher epoch under another name: fenced', () => {
    expect(() => plan(memory, facts(undefined, { ...foreign, epoch: 6 }))).toThrow(
      expect.objectContaining({ code: 'SE_INSTANCE_FENCED' }),
    )
  })

  it('memory of an archive that this one never was: mismatch', () => {
    expect(() => plan({ ...memory, birthId: 'elsewhere' }, facts(row))).toThrow(
      expect.objectContaining({ code: 'SE_ARCHIVE_MISMATCH' }),
    )
  })
})

describe('retries [W7]', () => {
  const conflict = new Error('conflict')
  const options = (attemptsMax: number) => {
    const clock = createFakeClock()
    const heard: number[] = []
    return {
      heard,
      clock,
      attemptsMax,
      random: seededRandom(1),
      isWorthAnother: (error: unknown) => error === conflict,
      onRetry: (_error: unknown, attempts: number) => void heard.push(attempts),
    }
  }

  it('goes on while others are in the way, and pauses in between', async () => {
    const ports = options(5)
    let attempts = 0
    const result = withRetries(async () => {
      attempts += 1
      if (attempts < 4) throw conflict
      return 'done'
    }, ports)
    await ports.clock.advance(0)
    expect(attempts).toBe(1)
    expect(ports.clock.timerCount).toBe(1)
    await ports.clock.advance(1_000)
    expect(await result).toBe('done')
    expect(ports.heard).toEqual([1, 2, 3])
  })

  it('ends after the last attempt, with its error', async () => {
    const ports = options(3)
    const result = withRetries(() => Promise.reject(conflict), ports).catch((error: unknown) => error)
    await ports.clock.advance(0)
    await ports.clock.advance(1_000)
    expect(await result).toBe(conflict)
    expect(ports.heard).toEqual([1, 2])
  })

  it('does not repeat what is no conflict', async () => {
    const ports = options(3)
    const other = new Error('other')
    await expect(withRetries(() => Promise.reject(other), ports)).rejects.toBe(other)
    expect(ports.heard).toEqual([])
  })
})
