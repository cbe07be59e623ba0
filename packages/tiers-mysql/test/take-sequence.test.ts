import { describe, expect, it } from 'vitest'
import { LINK_NONE } from '@se/core'
import { linkOf } from '@se/core/testing'
import type { WriteSession } from '../src/archive-database.ts'
import { MayBeBehind } from '../src/may-be-behind.ts'
import type { InstanceRow } from '../src/schema.ts'
import { isInLedger } from '../src/take-sequence.ts'

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
