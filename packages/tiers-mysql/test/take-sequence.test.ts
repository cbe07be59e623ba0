import { afterEach, describe, expect, it } from 'vitest'
import { LINK_NONE, type ClaimKey } from '@se/core'
import { systemClock } from '@se/core/node'
import { linkOf } from '@se/core/testing'
import type { WriteSession } from '../src/archive-database.ts'
import { raiseInstanceFloor } from '../src/instances.ts'
import { MayBeBehind } from '../src/may-be-behind.ts'
import type { InstanceRow } from '../src/schema.ts'
import { SqliteDatabase } from '../src/sqlite/database.ts'
import { endAttempts, isInLedger, readOwnRow, takeSequence } from '../src/take-sequence.ts'

/** A row that stands at 3: what lies below it is not asked for, so there need be no database. */
const own: InstanceRow = {
  number: 1,
  epoch: 1,
  nonce: '1'.padStart(32, '0'),
  last_sequence: 3,
  link: linkOf(1, 3),
  pruned_sequence: 0,
  pruned_link: LINK_NONE,
  max_stamp: 0,
  floor: 0,
  attempt: 0,
  state: 'active',
  claimed_at: 0,
  seen_at: 0,
}
const ask = (sequence: number, isSure: boolean, link = linkOf(1, sequence)) =>
  isInLedger({} as WriteSession, own, { sequence, link }, isSure)

describe('a batch that did not get its sequence', () => {
  it('is the next one', async () => {
    expect(await ask(4, true)).toBe(false)
  })

  it('is in', async () => {
    expect(await ask(3, true)).toBe(true)
  })

  it('has the sequence of another [P92, P95]', async () => {
    await expect(ask(3, true, linkOf(2, 3))).rejects.toMatchObject({
      code: 'SE_INSTANCE_FENCED',
      message: expect.stringContaining('another batch'),
    })
  })

  it('has a predecessor that is not there: the server may be behind, until it is known to have gone back [P91]', async () => {
    await expect(ask(5, false)).rejects.toThrow(MayBeBehind)
    await expect(ask(5, true)).rejects.toMatchObject({
      code: 'SE_INSTANCE_FENCED',
      message: expect.stringContaining('gone back'),
    })
  })
})

describe('a sequence is taken under the row that the batch was planned with', () => {
  const claim: ClaimKey = { instance: own.number, epoch: own.epoch, nonce: own.nonce }
  const database = new SqliteDatabase({
    file: ':memory:',
    isExclusive: true,
    clock: systemClock,
    busyMs: 0,
    turnMs: 5_000,
    cacheBytes: 2 ** 20,
    tablePrefix: 'sync_',
  })
  afterEach(() => database.close())

  const update = (columns: Partial<InstanceRow>) => (session: WriteSession) =>
    session.run(session.dialect.builder.updateTable('sync_instances').set(columns).compile())

  it.each<[string, boolean, (session: WriteSession) => Promise<unknown>]>([
    ['nothing', true, async () => {}],
    ['a lower floor is raised', true, (session) => raiseInstanceFloor(session, own.number, 6)],
    ['the floor is raised [P90, W4]', false, (session) => raiseInstanceFloor(session, own.number, 8)],
    ['its attempts are ended [P61, W5]', false, (session) => endAttempts(session, claim)],
    ['attempts of an older claim are ended', true, (session) => endAttempts(session, { ...claim, epoch: 0 })],
    ['another process claims the instance [P52]', false, update({ epoch: own.epoch + 1 })],
    ['another archive was restored [P52]', false, update({ nonce: '2'.padStart(32, '0') })],
    ['the batch gets in by another attempt [W5]', false, update({ last_sequence: 4 })],
    ['the archive goes back [P65]', false, update({ last_sequence: 2 })],
  ])('meanwhile %s: %s', async (_what, isTaken, meanwhile) => {
    await database.open()
    await database.install()
    await database.write(async (session) => {
      const { builder } = session.dialect
      await session.run(
        builder
          .insertInto('sync_instances')
          .values({ ...own, floor: 7 })
          .compile(),
      )
      const planned = await readOwnRow(session, claim, true)
      expect(planned).toMatchObject({ floor: 7, attempt: 0 })
      await meanwhile(session)
      const batch = { claim, sequence: 4, link: linkOf(1, 4) }
      expect(await takeSequence(session, planned, batch, 11)).toBe(isTaken)
      if (!isTaken) return
      expect(await readOwnRow(session, claim, true)).toMatchObject({
        last_sequence: 4,
        link: linkOf(1, 4),
        max_stamp: 11,
      })
    })
  })
})
