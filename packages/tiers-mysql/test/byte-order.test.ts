import { InvariantViolation, type ItemWrite } from '@se/core'
import { linkOf } from '@se/core/testing'
import { expect, it } from 'vitest'
import type { ItemRow } from '../src/item-row.ts'
import { encodeLedgerRow } from '../src/ledger-row.ts'
import { planBatch, type PreparedWrite } from '../src/plan-batch.ts'
import { SqliteItemTable, SqliteItemTexts } from '../src/sqlite/item-table.ts'

/**
 * Goal: everyone locks rows in one order, and the ledger tells them in it; a caller that forgets it is stopped at once. Method:
 * ids in order, the same ids the other way round, and one id twice. U+FF5E comes before U+1F600 in bytes, and after it in UTF-16.
 */
const ORDERS = [
  ['in order', ['a', 'b', '\uff5e', '\u{1f600}'], true],
  ['the other way round', ['b', 'a'], false],
  ['in the order of UTF-16', ['\u{1f600}', '\uff5e'], false],
  ['one id twice', ['a', 'a'], false],
] as const

const stamp = { time: 2 ** 50, instance: 1 }
const batch = { instance: 1, sequence: 1 }
const write = (id: string): ItemWrite => ({ id, stamp, state: '', contentType: '', bytes: undefined })

const TAKERS: Readonly<Record<string, (ids: readonly string[]) => unknown>> = {
  planBatch(ids) {
    const writes = ids.map((id, position): PreparedWrite => {
      return { write: write(id), position, digest: undefined }
    })
    return planBatch(writes, new Map(), { collectionFloor: 0, recordedTime: 0, nowMs: 2 ** 45 }, batch)
  },
  encodeLedgerRow(ids) {
    const entry = { stamp, previousStamp: undefined, digest: undefined, previousDigest: undefined }
    return encodeLedgerRow({
      instance: 1,
      sequence: 1,
      link: linkOf(1, 1),
      kind: 'batch',
      committedAtMs: 0,
      entries: ids.map((id) => ({ id, ...entry })),
    })
  },
  'items.store': (ids) => {
    const table = new SqliteItemTable(new SqliteItemTexts('sync_items'), { arrays: () => [], run: () => 1 })
    const rest = { version: 1, digest: undefined, createdAtMs: 0, batch }
    return table.store(ids.map((id): ItemRow => ({ write: write(id), ...rest })))
  },
}

it.each(
  Object.entries(TAKERS).flatMap(([name, take]) => ORDERS.map((order) => [name, ...order, take] as const)),
)('%s: ids %s', async (_, __, ids, isInOrder, take) => {
  const taken = Promise.resolve().then(() => take(ids))
  if (isInOrder) await taken
  else await expect(taken).rejects.toBeInstanceOf(InvariantViolation)
})
