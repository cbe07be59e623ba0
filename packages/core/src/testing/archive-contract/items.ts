import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import type { ArchiveDescription } from '../../archive-tier.ts'
import { createBranchSet } from '../../branch.ts'
import type { Cut } from '../../cut.ts'
import { compareIds } from '../../item.ts'
import { ARCHIVE_OPEN_FIELDS } from '../../open-options.ts'
import { stampMs } from '../../stamp.ts'
import { optionsContract } from '../options-contract.ts'
import { seededRandom } from '../seeded-random.ts'
import {
  allRows,
  BRANCHES,
  textOf,
  itemOf,
  newNonce,
  text,
  withWriter,
  write,
  type ArchiveContractCase,
} from './harness.ts'

/** A description without the functions of its branch set, which are made anew. */
function plain(description: ArchiveDescription) {
  return { ...description, branches: description.branches.prefixes }
}

export const identity: readonly ArchiveContractCase[] = [
  {
    title: 'open makes identity, key and branches once, and finds them again',
    async run({ archive }) {
      const made = await archive.open({ branches: BRANCHES, digests: 'keyed' })
      ok(/^[0-9a-f]{32}$/.test(made.archiveId))
      ok(/^[0-9a-f]{32}$/.test(made.birthId))
      equal(made.digestKey?.length, 16)
      deepEqual(made.branches.prefixes, ['', 'user.', 'user.admin.'])
      await archive.close()
      const found = await archive.open({
        branches: createBranchSet(BRANCHES.prefixes.slice(1).reverse()),
        digests: 'unkeyed',
      })
      deepEqual(plain(found), plain(made))
      await archive.close()
    },
  },
  {
    title: 'open refuses a process that declares another set of branches',
    async run({ archive }) {
      await archive.open({ branches: BRANCHES, digests: 'unkeyed' })
      await archive.close()
      await rejects(archive.open({ branches: createBranchSet(['user.']), digests: 'unkeyed' }), {
        code: 'SE_BRANCH_MISMATCH',
      })
      const found = await archive.open({ branches: BRANCHES, digests: 'unkeyed' })
      equal(found.digestKey, undefined)
      await archive.close()
    },
  },
  {
    title: 'open refuses what is no option, and tells it by its field [P77]',
    async run({ archive }) {
      const call = (given: object) => archive.open({ branches: BRANCHES, digests: 'keyed', ...given })
      for (const { run } of optionsContract(ARCHIVE_OPEN_FIELDS, call)) await run()
      await rejects(call({ branches: ['user.', 'user.admin.'] }), {
        code: 'SE_INVALID_INPUT',
        message: 'branches: must be a branch set, as createBranchSet makes it, not a list',
      })
      await rejects(call({ digests: undefined }), { code: 'SE_INVALID_INPUT', field: 'digests' })
      await call({ timeoutMs: undefined })
      await archive.close()
    },
  },
  {
    title: 'an archive that is not open answers unknown to lookups, and is unavailable to all else [R1]',
    async run({ archive }) {
      equal((await archive.get('a')).kind, 'unknown')
      deepEqual(
        (await archive.getMany(['a', 'b'])).map(({ kind }) => kind),
        ['unknown', 'unknown'],
      )
      const cut: Cut = { archiveId: '0'.repeat(32), positions: new Map() }
      const unavailable = { code: 'SE_TIER_UNAVAILABLE' }
      await rejects(archive.readHeads(), unavailable)
      await rejects(archive.readTail(cut), unavailable)
      await rejects(archive.readTree(), unavailable)
      await rejects(archive.foldTree(), unavailable)
      await rejects(
        archive.scanIds(() => undefined),
        unavailable,
      )
      await rejects(
        archive.claimInstance({ memory: undefined, knownNonces: [], nonce: newNonce() }),
        unavailable,
      )
    },
  },
]

export const items: readonly ArchiveContractCase[] = [
  withWriter('an item comes back as it was written', async ({ archive }, writer) => {
    const stamp = writer.stamp()
    const receipt = await writer.put({
      id: 'user.älice',
      stamp,
      state: 'zustand é',
      contentType: 'text/plain; charset=utf-8',
      bytes: text.encode('hello'),
    })
    const createdAtMs = stampMs(stamp)
    deepEqual(receipt, {
      sequence: 1,
      outcomes: [{ kind: 'won', version: 1, createdAtMs, wasLive: false }],
      wasCommittedBefore: false,
    })
    deepEqual(itemOf(await archive.get('user.älice')), {
      id: 'user.älice',
      bytes: text.encode('hello'),
      stamp,
      version: 1,
      state: 'zustand é',
      contentType: 'text/plain; charset=utf-8',
      createdAtMs,
      updatedAtMs: createdAtMs,
    })
    deepEqual(await archive.get('user.alice'), { kind: 'absent' })
  }),
  withWriter(
    'values come back as bytes: empty, every byte, not UTF-8, JSON text, 1 MiB [R7, P16, P43]',
    async ({ archive, seed }, writer) => {
      const values: Record<string, Uint8Array> = {
        empty: new Uint8Array(0),
        every: Uint8Array.from({ length: 256 }, (_, byte) => byte),
        invalid: Uint8Array.of(0xc3, 0x28, 0xff, 0xfe, 0x00, 0x80),
        quotes: text.encode(`'"\\\0%_;--`),
        json: text.encode('{"b":1, "a":12345678901234567890,"c":1.0}'),
        mebibyte: seededRandom(seed).bytes(2 ** 20),
      }
      await writer.put(...Object.entries(values).map(([id, bytes]) => write(id, writer.stamp(), bytes)))
      for (const [id, bytes] of Object.entries(values)) {
        ok(Buffer.compare(itemOf(await archive.get(id)).bytes, bytes) === 0, `bytes of ${id} differ`)
      }
      const { rows } = await allRows(archive)
      for (const row of rows)
        ok(Buffer.compare(row.bytes!, values[row.id]!) === 0, `scanned bytes of ${row.id}`)
    },
  ),
  withWriter(
    'ids are compared by bytes: case, accents, trailing spaces, look-alikes, wildcards [P17]',
    async ({ archive }, writer) => {
      const ids = [
      'a', 'A', 'a ', 'a  ', ' a', 'á', 'a\u0301', 'ａ', 'ß', 'ss', 'i', 'İ', 'ı', 'a.b', 'a_b', 'a%b', "a'b",
      'a"b', 'a\\b', 'ﬁ', 'fi', '\u{1f600}', '\uffee', '\ue000', 'x'.repeat(255), 'é'.repeat(127), '{}', 'null',
    ] // prettier-ignore
      const receipt = await writer.put(...ids.map((id) => write(id, writer.stamp(), `value of ${id}`)))
      for (const outcome of receipt.outcomes) equal(outcome.kind, 'won')
      for (const id of ids) equal(await textOf(archive, id), `value of ${id}`)
      const lookups = await archive.getMany(ids)
      deepEqual(
        lookups.map((lookup) => itemOf(lookup).id),
        ids,
      )
      const scanned: string[] = []
      await archive.scanIds((chunk) => void scanned.push(...chunk))
      deepEqual([...scanned].sort(compareIds), [...ids].sort(compareIds))
      const { rows } = await allRows(archive)
      deepEqual(
        rows.map(({ id }) => id),
        [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
    },
  ),
  withWriter(
    'getMany answers in the order asked, also for repeated and absent ids',
    async (harness, writer) => {
      const { archive } = harness
      const ids = Array.from({ length: 1_500 }, (_, index) => `id.${index}`)
      await writer.put(...ids.map((id) => write(id, writer.stamp(), id)))
      await writer.put(write('id.7', writer.stamp(), undefined))
      const asked = ['id.3', 'nobody', 'id.3', 'id.7', ...[...ids].reverse()]
      const lookups = await archive.getMany(asked)
      equal(lookups.length, asked.length)
      for (const [index, id] of asked.entries()) {
        const lookup = lookups[index]!
        if (id === 'nobody' || id === 'id.7') equal(lookup.kind, 'absent')
        else equal(Buffer.from(itemOf(lookup).bytes).toString(), id)
      }
    },
  ),
  withWriter('getMany of nothing asks nobody', async (harness) => {
    deepEqual(await harness.archive.getMany([]), [])
    await harness.archive.close()
    deepEqual(await harness.archive.getMany([]), [])
  }),
]
