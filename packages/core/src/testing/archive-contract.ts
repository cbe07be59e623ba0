import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from 'node:assert/strict'
import { createBranchSet, type BranchSet } from '../branch.ts'
import { covers, equalCuts, sequenceAt, type Cut } from '../cut.ts'
import { compareIds, type ItemWrite } from '../item.ts'
import { compareStamps, stampMs, stampTimeOf, type Stamp } from '../stamp.ts'
import type {
  ArchivedRow,
  ArchiveDescription,
  ArchiveTier,
  BatchReceipt,
  InstanceClaim,
  InstanceMemory,
  LedgerRow,
  Lookup,
  StoredTreePage,
  WriteOutcome,
} from '../tier.ts'
import { seededRandom } from './seeded-random.ts'

/** What an adapter's test brings: one new, empty archive for one case. */
export interface ArchiveHarness {
  /** Not yet opened; the case opens and closes it. */
  readonly archive: ArchiveTier
  /** Another process' connection; absent where the archive is exclusive. */
  readonly peer?: ArchiveTier
  /**
   * Copies the whole archive as it is now.
   *
   * @returns puts it back to that state; `archive` is open before and after
   */
  backup(): Promise<() => Promise<void>>
  /** Digest of a live row, as the archive must compute it. */
  digestRow(row: ArchivedRow & { bytes: Uint8Array }, digestKey: Uint8Array | undefined): Uint8Array
  /** Root of a tree of these pages and the rows beyond them. */
  rootOfPages(pages: readonly StoredTreePage[], rows: readonly LedgerRow[], branches: BranchSet): string
  /** Root of a tree computed from the rows alone. */
  rootOfRows(rows: readonly ArchivedRow[], branches: BranchSet): string
  /** Seed of the random cases. */
  readonly seed: number
}

/** A case of the contract; run it under the test runner of your choice. */
export interface ArchiveContractCase {
  readonly title: string
  run(harness: ArchiveHarness): Promise<void>
}

const BRANCHES = ['user.', 'user.admin.']
const text = new TextEncoder()

/** One log directory at work. */
class Writer {
  readonly archive: ArchiveTier
  claim: InstanceClaim
  nonce: string
  sequence: number
  #time: number

  constructor(archive: ArchiveTier, claim: InstanceClaim, nonce: string, nowMs: number) {
    this.archive = archive
    this.claim = claim
    this.nonce = nonce
    this.sequence = claim.lastSequence
    // Well in the past, so that a case may make thousands of stamps and none is ahead of the archive.
    this.#time = stampTimeOf(nowMs - 60_000)
  }

  stamp(): Stamp {
    this.#time += 1
    return { time: this.#time, instance: this.claim.instance }
  }

  put(...writes: readonly ItemWrite[]): Promise<BatchReceipt> {
    this.sequence += 1
    return this.send(this.sequence, writes)
  }

  send(sequence: number, writes: readonly ItemWrite[]): Promise<BatchReceipt> {
    return this.archive.putBatch({ claim: this.claim, sequence, writes })
  }

  memory(): InstanceMemory {
    const { instance, epoch, archiveId } = this.claim
    return { archiveId, instance, epoch, lastSequence: this.sequence }
  }
}

let nonceCount = 0
function newNonce(): string {
  nonceCount += 1
  return nonceCount.toString(16).padStart(32, '0')
}

async function newWriter(archive: ArchiveTier): Promise<Writer> {
  const nonce = newNonce()
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
  return new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
}

function write(
  id: string,
  stamp: Stamp,
  bytes: Uint8Array | string | undefined,
  state = 'default',
): ItemWrite {
  return {
    id,
    stamp,
    state,
    contentType: 'application/octet-stream',
    bytes: typeof bytes === 'string' ? text.encode(bytes) : bytes,
  }
}

function itemOf(lookup: Lookup) {
  ok(lookup.kind === 'found', `expected an item, got ${lookup.kind}`)
  return lookup.item
}

async function bytesOf(archive: ArchiveTier, id: string): Promise<string> {
  return Buffer.from(itemOf(await archive.get(id)).bytes).toString()
}

async function allRows(archive: ArchiveTier): Promise<{ rows: ArchivedRow[]; cut: Cut }> {
  const rows: ArchivedRow[] = []
  const cut = await archive.scanRows((chunk) => void rows.push(...chunk))
  return { rows, cut }
}

async function tailRows(archive: ArchiveTier, from: Cut): Promise<readonly LedgerRow[]> {
  const tail = await archive.readTail(from)
  ok(tail.kind === 'rows', `expected rows, got a gap: ${tail.kind === 'gap' ? tail.because : ''}`)
  return tail.rows
}

async function emptyCut(archive: ArchiveTier): Promise<Cut> {
  return { archiveId: (await archive.readHeads()).cut.archiveId, sequences: new Map() }
}

/** Tree as stored, tree as the rows give it, at the same cut. */
async function checkTree(harness: ArchiveHarness): Promise<void> {
  const branches = createBranchSet(BRANCHES)
  const { archive } = harness
  const stored = await archive.readTree()
  ok(stored.tail.kind === 'rows', 'the way from the pages to the heads is known')
  const { rows, cut } = await allRows(archive)
  ok(equalCuts(cut, stored.tail.heads.cut), 'nobody wrote meanwhile')
  equal(harness.rootOfPages(stored.pages, stored.tail.rows, branches), harness.rootOfRows(rows, branches))
}

type Body = (harness: ArchiveHarness, writer: Writer, description: ArchiveDescription) => Promise<void>

/** A case with the archive open and one instance claimed. */
function withWriter(title: string, body: Body): ArchiveContractCase {
  return {
    title,
    async run(harness) {
      const { archive } = harness
      const description = await archive.open({ branches: BRANCHES, digests: 'keyed' })
      try {
        await body(harness, await newWriter(archive), description)
      } finally {
        await archive.close()
      }
    },
  }
}

const identity: readonly ArchiveContractCase[] = [
  {
    title: 'open makes identity, key and branches once, and finds them again',
    async run({ archive }) {
      const made = await archive.open({ branches: BRANCHES, digests: 'keyed' })
      ok(/^[0-9a-f]{32}$/.test(made.archiveId))
      equal(made.digestKey?.length, 16)
      deepEqual(made.branches, ['', 'user.', 'user.admin.'])
      await archive.close()
      const found = await archive.open({ branches: [...BRANCHES].reverse(), digests: 'unkeyed' })
      deepEqual(found, made)
      await archive.close()
    },
  },
  {
    title: 'open refuses a process that declares another set of branches',
    async run({ archive }) {
      await archive.open({ branches: BRANCHES, digests: 'unkeyed' })
      await archive.close()
      await rejects(archive.open({ branches: ['user.'], digests: 'unkeyed' }), { code: 'SE_BRANCH_MISMATCH' })
      const found = await archive.open({ branches: BRANCHES, digests: 'unkeyed' })
      equal(found.digestKey, undefined)
      await archive.close()
    },
  },
  {
    title: '[R1] an archive that is not open answers unknown to lookups, and is unavailable to all else',
    async run({ archive }) {
      equal((await archive.get('a')).kind, 'unknown')
      deepEqual(
        (await archive.getMany(['a', 'b'])).map(({ kind }) => kind),
        ['unknown', 'unknown'],
      )
      const cut: Cut = { archiveId: '0'.repeat(32), sequences: new Map() }
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

const items: readonly ArchiveContractCase[] = [
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
      wasSettled: false,
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
    '[R7] [P16] [P43] values come back as bytes: empty, every byte, not UTF-8, JSON text, 1 MiB',
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
    '[P17] ids are compared by bytes: case, accents, trailing spaces, look-alikes, wildcards',
    async ({ archive }, writer) => {
      const ids = [
      'a', 'A', 'a ', 'a  ', ' a', 'á', 'a\u0301', 'ａ', 'ß', 'ss', 'i', 'İ', 'ı', 'a.b', 'a_b', 'a%b', "a'b",
      'a"b', 'a\\b', 'ﬁ', 'fi', '\u{1f600}', '\uffee', '\ue000', 'x'.repeat(255), 'é'.repeat(127), '{}', 'null',
    ] // prettier-ignore
      const receipt = await writer.put(...ids.map((id) => write(id, writer.stamp(), `value of ${id}`)))
      for (const outcome of receipt.outcomes) equal(outcome.kind, 'won')
      for (const id of ids) equal(await bytesOf(archive, id), `value of ${id}`)
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

const winning: readonly ArchiveContractCase[] = [
  withWriter('[W3] the newest stamp wins; the loser is told by whom', async ({ archive }, writer) => {
    const [first, second, third] = [writer.stamp(), writer.stamp(), writer.stamp()]
    await writer.put(write('a', second, 'second'))
    deepEqual((await writer.put(write('a', first, 'first'))).outcomes, [{ kind: 'superseded', by: second }])
    equal(await bytesOf(archive, 'a'), 'second')
    const createdAtMs = stampMs(second)
    deepEqual((await writer.put(write('a', third, 'third'))).outcomes, [
      { kind: 'won', version: 2, createdAtMs, wasLive: true },
    ])
    equal(await bytesOf(archive, 'a'), 'third')
  }),
  withWriter('[W3] at equal time the higher instance wins', async ({ archive }, writer) => {
    const other = await newWriter(archive)
    ok(other.claim.instance > writer.claim.instance)
    const { time } = writer.stamp()
    await other.put(write('a', { time, instance: other.claim.instance }, 'higher'))
    const outcome = (await writer.put(write('a', { time, instance: writer.claim.instance }, 'lower')))
      .outcomes[0]
    equal(outcome?.kind, 'superseded')
    equal(await bytesOf(archive, 'a'), 'higher')
    await writer.put(write('b', { time, instance: writer.claim.instance }, 'lower'))
    equal(
      (await other.put(write('b', { time, instance: other.claim.instance }, 'higher'))).outcomes[0]?.kind,
      'won',
    )
  }),
  withWriter('[W3] the same write again is held, not accepted twice', async ({ archive }, writer) => {
    const again = write('a', writer.stamp(), 'once')
    await writer.put(again)
    const createdAtMs = stampMs(again.stamp)
    deepEqual((await writer.put(again)).outcomes, [{ kind: 'held', version: 1, createdAtMs }])
    equal(itemOf(await archive.get('a')).version, 1)
    const [, second] = await tailRows(archive, await emptyCut(archive))
    deepEqual(second?.entries, [])
  }),
  withWriter(
    '[W3] [P32] any order and any replay of the same writes ends in the same rows',
    async (harness, writer) => {
      const { archive, seed } = harness
      const random = seededRandom(seed)
      const others = [writer, await newWriter(archive)]
      const ids = ['a', 'b', 'user.c', 'user.admin.d']
      const history = Array.from({ length: 60 }, () => {
        const by = random.pick(others)
        return write(random.pick(ids), by.stamp(), random.chance(0.25) ? undefined : `${random.below(1_000)}`)
      })
      const expected = new Map<string, ItemWrite>()
      for (const one of history) {
        const best = expected.get(one.id)
        if (best === undefined || compareStamps(one.stamp, best.stamp) > 0) expected.set(one.id, one)
      }
      for (let round = 0; round < 3; round++) {
        const shuffled = [...history].sort(() => random.fraction() - 0.5)
        for (const one of shuffled) await random.pick(others).put(one)
      }
      for (const [id, { bytes, stamp }] of expected) {
        const lookup = await archive.get(id)
        if (bytes === undefined) deepEqual(lookup, { kind: 'absent', tombstone: stamp })
        else deepEqual(itemOf(lookup).bytes, bytes)
      }
      await checkTree(harness)
    },
  ),
  withWriter('a batch tells each write its own outcome, in the order given', async ({ archive }, writer) => {
    const stamps = Array.from({ length: 6 }, () => writer.stamp())
    await writer.put(
      write('held', stamps[0]!, 'h'),
      write('newer', stamps[5]!, 'n'),
      write('live', stamps[1]!, 'l'),
    )
    const ahead = {
      time: stampTimeOf((await archive.readHeads()).nowMs + 60_000),
      instance: writer.claim.instance,
    }
    const receipt = await writer.put(
      write('zz', stamps[2]!, 'z'),
      write('newer', stamps[3]!, 'old'),
      write('held', stamps[0]!, 'h'),
      write('ahead', ahead, 'a'),
      write('live', stamps[4]!, undefined),
      write('aa', stamps[2]!, 'a'),
    )
    deepEqual(
      receipt.outcomes.map((outcome) => outcome.kind),
      ['won', 'superseded', 'held', 'refused', 'won', 'won'],
    )
    deepEqual(receipt.outcomes[3], { kind: 'refused', because: 'stamp-ahead-of-archive' })
    const live: WriteOutcome = { kind: 'won', version: 2, createdAtMs: stampMs(stamps[1]!), wasLive: true }
    deepEqual(receipt.outcomes[4], live)
    equal((await archive.get('ahead')).kind, 'absent')
  }),
  withWriter(
    'a stamp up to 1 s ahead of the archive is taken, one beyond is refused and leaves no trace',
    async ({ archive }, writer) => {
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const near = { time: stampTimeOf(nowMs + 900), instance }
      const far = { time: stampTimeOf(nowMs + 30_000), instance }
      const receipt = await writer.put(write('near', near, 'n'), write('far', far, 'f'))
      equal(receipt.outcomes[0]?.kind, 'won')
      deepEqual(receipt.outcomes[1], { kind: 'refused', because: 'stamp-ahead-of-archive' })
      const { memory, nonce } = { memory: writer.memory(), nonce: newNonce() }
      const claim = await archive.claimInstance({ memory, knownNonces: [writer.nonce], nonce })
      ok(claim.maxStampTime >= near.time, 'the instance starts above what was taken')
      ok(claim.maxStampTime < far.time, 'and not above what was refused')
    },
  ),
  withWriter(
    '[W6] data that can never be stored is refused as such, and nothing of its batch is written',
    async ({ archive }, writer) => {
      const good = write('good', writer.stamp(), 'g')
      const long = write('x'.repeat(256), writer.stamp(), 'too long an id')
      await rejects(writer.send(1, [good, long]), { code: 'SE_ARCHIVE_REFUSED_DATA' })
      await rejects(writer.send(1, [good, { ...good, id: 'other', state: 's'.repeat(65) }]), {
        code: 'SE_ARCHIVE_REFUSED_DATA',
      })
      equal((await archive.get('good')).kind, 'absent')
      equal((await archive.readHeads()).cut.sequences.size, 0)
      equal((await writer.send(1, [good])).outcomes[0]?.kind, 'won')
    },
  ),
]

const deletes: readonly ArchiveContractCase[] = [
  withWriter(
    '[P19] a delete leaves a tombstone, which an older write does not bring back',
    async ({ archive }, writer) => {
      const [old, middle, deleted, later] = [writer.stamp(), writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('a', old, 'old'))
      deepEqual((await writer.put(write('a', deleted, undefined))).outcomes, [
        { kind: 'won', version: 2, createdAtMs: stampMs(old), wasLive: true },
      ])
      deepEqual(await archive.get('a'), { kind: 'absent', tombstone: deleted })
      deepEqual((await writer.put(write('a', middle, 'late'))).outcomes, [
        { kind: 'superseded', by: deleted },
      ])
      equal((await archive.get('a')).kind, 'absent')
      deepEqual((await writer.put(write('a', later, 'again'))).outcomes, [
        { kind: 'won', version: 3, createdAtMs: stampMs(later), wasLive: false },
      ])
      equal(await bytesOf(archive, 'a'), 'again')
    },
  ),
  withWriter('[W4] a delete of an id without a row is kept too', async ({ archive }, writer) => {
    const [older, deleted] = [writer.stamp(), writer.stamp()]
    deepEqual((await writer.put(write('a', deleted, undefined))).outcomes, [
      { kind: 'won', version: 1, createdAtMs: stampMs(deleted), wasLive: false },
    ])
    deepEqual((await writer.put(write('a', older, 'older'))).outcomes, [{ kind: 'superseded', by: deleted }])
    const ids: string[] = []
    await archive.scanIds((chunk) => void ids.push(...chunk))
    deepEqual(ids, [])
    const { rows } = await allRows(archive)
    deepEqual(
      rows.map(({ id, bytes, digest }) => ({ id, bytes, digest })),
      [{ id: 'a', bytes: undefined, digest: undefined }],
    )
  }),
  withWriter(
    '[W4] [P64] after collecting, a write at or below the floor to an id without a row is refused',
    async (harness, writer) => {
      const { archive } = harness
      const { nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const at = (ms: number): Stamp => ({ time: stampTimeOf(nowMs - ms), instance })
      await writer.put(
        write('collected', at(40_000), undefined),
        write('kept', at(20_000), undefined),
        write('live', at(40_000), 'live'),
      )
      equal(await archive.collectTombstones(nowMs - 30_000), 1)
      deepEqual(await archive.get('collected'), { kind: 'absent' })
      deepEqual(await archive.get('kept'), { kind: 'absent', tombstone: at(20_000) })
      equal(await bytesOf(archive, 'live'), 'live')
      const floor: Stamp = { time: stampTimeOf(nowMs - 30_000) - 1, instance }
      const above: Stamp = { time: floor.time + 1, instance }
      const receipt = await writer.put(
        write('collected', at(50_000), 'back from an old log'),
        write('at-the-floor', floor, 'x'),
        write('above-the-floor', above, 'x'),
        write('live', at(35_000), 'below the floor, but there is a row'),
        write('kept', at(35_000), 'older than its tombstone'),
      )
      const refused: WriteOutcome = { kind: 'refused', because: 'below-collection-floor' }
      deepEqual(receipt.outcomes.slice(0, 2), [refused, refused])
      deepEqual(
        receipt.outcomes.slice(2).map(({ kind }) => kind),
        ['won', 'won', 'superseded'],
      )
      equal((await archive.get('collected')).kind, 'absent')
      // A lower age later must not lower the floor again.
      equal(await archive.collectTombstones(nowMs - 45_000), 0)
      deepEqual((await writer.put(write('at-the-floor', floor, 'x'))).outcomes, [refused])
      await checkTree(harness)
    },
  ),
  withWriter('[W4] collecting up to the future is refused', async ({ archive }) => {
    const { nowMs } = await archive.readHeads()
    await rejects(archive.collectTombstones(nowMs + 60_000), { code: 'SE_INVALID_INPUT' })
    await rejects(archive.collectTombstones(Number.NaN), { code: 'SE_INVALID_INPUT' })
  }),
]

const ledger: readonly ArchiveContractCase[] = [
  withWriter(
    'the ledger tells per id what was replaced by what, as a chain',
    async ({ archive, digestRow }, writer, { digestKey }) => {
      const [one, two, three] = [writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('a', one, 'one'))
      await writer.put(write('a', two, undefined), write('b', two, 'b'))
      await writer.put(write('a', three, 'three'))
      const rows = await tailRows(archive, await emptyCut(archive))
      deepEqual(
        rows.map(({ instance, sequence, kind }) => [instance, sequence, kind]),
        [1, 2, 3].map((sequence) => [writer.claim.instance, sequence, 'batch']),
      )
      const entries = rows.flatMap((row) => row.entries.filter(({ id }) => id === 'a'))
      deepEqual(
        entries.map(({ stamp, previousStamp }) => ({ stamp, previousStamp })),
        [
          { stamp: one, previousStamp: undefined },
          { stamp: two, previousStamp: one },
          { stamp: three, previousStamp: two },
        ],
      )
      const digestOf = (stamp: Stamp, value: string) => {
        const { contentType, state } = write('a', stamp, value)
        const bytes = text.encode(value)
        const row = {
          id: 'a',
          stamp,
          state,
          contentType,
          bytes,
          version: 0,
          digest: undefined,
          createdAtMs: 0,
        }
        return digestRow(row, digestKey)
      }
      deepEqual(entries[0]?.digest, digestOf(one, 'one'))
      deepEqual(entries[0]?.previousDigest, undefined)
      deepEqual(entries[1]?.digest, undefined)
      deepEqual(entries[1]?.previousDigest, entries[0]?.digest)
      deepEqual(entries[2]?.previousDigest, undefined)
      deepEqual(entries[2]?.digest, digestOf(three, 'three'))
      const { rows: items } = await allRows(archive)
      deepEqual(items.find(({ id }) => id === 'a')?.digest, entries[2]?.digest)
    },
  ),
  withWriter(
    '[P53] two instances at once: sequences without gaps, every batch told once',
    async (harness, writer) => {
      const { archive, peer, seed } = harness
      const random = seededRandom(seed)
      const second = await newWriter(archive)
      if (peer !== undefined) await peer.open({ branches: BRANCHES, digests: 'keyed' })
      const other = new Writer(peer ?? archive, second.claim, second.nonce, (await archive.readHeads()).nowMs)
      const work = async (by: Writer) => {
        for (let batch = 0; batch < 25; batch++) {
          const ids = new Set(Array.from({ length: 8 }, () => `hot.${random.below(12)}`))
          const writes = [...ids].map((id) =>
            write(id, by.stamp(), random.chance(0.2) ? undefined : `${batch}`),
          )
          const receipt = await by.put(...writes)
          equal(receipt.outcomes.length, writes.length)
          ok(!receipt.wasSettled)
        }
      }
      const heard: Cut[] = []
      const listen = async () => {
        for (let turn = 0; turn < 20; turn++) {
          const tail = await archive.readTail(heard.at(-1) ?? (await emptyCut(archive)))
          ok(tail.kind === 'rows')
          // Everything between the cuts is there: no row is skipped, none comes later.
          const last = heard.at(-1)
          let count = 0
          for (const [instance, sequence] of tail.heads.cut.sequences) {
            count += sequence - (last === undefined ? 0 : sequenceAt(last, instance))
          }
          equal(tail.rows.length, count)
          heard.push(tail.heads.cut)
        }
      }
      await Promise.all([work(writer), work(other), listen()])
      for (let index = 1; index < heard.length; index++) ok(covers(heard[index]!, heard[index - 1]!))
      const rows = await tailRows(archive, await emptyCut(archive))
      for (const by of [writer, other]) {
        deepEqual(
          rows.filter(({ instance }) => instance === by.claim.instance).map(({ sequence }) => sequence),
          Array.from({ length: 25 }, (_, index) => index + 1),
        )
      }
      // Per id, what each entry replaced is what an earlier one left: one chain, whoever wrote.
      const byId = new Map<string, LedgerRow['entries'][number][]>()
      for (const entry of rows.flatMap((row) => row.entries)) {
        byId.set(entry.id, [...(byId.get(entry.id) ?? []), entry])
      }
      for (const chain of byId.values()) {
        chain.sort((a, b) => compareStamps(a.stamp, b.stamp))
        for (const [index, entry] of chain.entries()) {
          deepEqual(entry.previousStamp, chain[index - 1]?.stamp)
          deepEqual(entry.previousDigest, chain[index - 1]?.digest)
        }
      }
      await archive.foldTree()
      await checkTree(harness)
      await peer?.close()
    },
  ),
  withWriter(
    '[P53] a batch that skips a sequence is fenced and writes nothing',
    async ({ archive }, writer) => {
      await rejects(writer.send(2, [write('a', writer.stamp(), 'a')]), { code: 'SE_INSTANCE_FENCED' })
      equal((await archive.get('a')).kind, 'absent')
      equal((await archive.readHeads()).cut.sequences.size, 0)
    },
  ),
  withWriter(
    '[W5] a batch sent again is settled: same results, nothing applied twice',
    async (harness, writer) => {
      const { archive } = harness
      const [old, first, second] = [writer.stamp(), writer.stamp(), writer.stamp()]
      await writer.put(write('live', first, 'live'), write('newer', second, 'newer'))
      const batch = [
        write('new', second, 'new'),
        write('live', second, 'changed'),
        write('newer', old, 'old'),
        write('gone', second, undefined),
      ]
      const receipt = await writer.put(...batch)
      const again = await writer.send(writer.sequence, batch)
      ok(again.wasSettled)
      deepEqual(again.outcomes, receipt.outcomes)
      equal(again.sequence, receipt.sequence)
      equal(sequenceAt((await archive.readHeads()).cut, writer.claim.instance), 2)
      equal(itemOf(await archive.get('live')).version, 2)
      await checkTree(harness)
      equal((await writer.put(write('next', writer.stamp(), 'x'))).outcomes[0]?.kind, 'won')
    },
  ),
  withWriter(
    '[W5] a settled winner that was replaced since is told as superseded',
    async ({ archive }, writer) => {
      const other = await newWriter(archive)
      const mine = write('a', writer.stamp(), 'mine')
      await writer.put(mine)
      const { time } = mine.stamp
      const theirs = { time: time + 5, instance: other.claim.instance }
      await other.put(write('a', theirs, 'theirs'))
      deepEqual((await writer.send(1, [mine])).outcomes, [{ kind: 'superseded', by: theirs }])
      equal(await bytesOf(archive, 'a'), 'theirs')
    },
  ),
  withWriter(
    'a batch in which nothing wins still takes its place in the ledger',
    async ({ archive }, writer) => {
      const [old, young] = [writer.stamp(), writer.stamp()]
      await writer.put(write('a', young, 'a'))
      await writer.put(write('a', old, 'b'))
      const rows = await tailRows(archive, await emptyCut(archive))
      deepEqual(
        rows.map(({ entries }) => entries.length),
        [1, 0],
      )
    },
  ),
]

const claims: readonly ArchiveContractCase[] = [
  withWriter('[P52] a take-over raises the epoch and fences the old holder', async ({ archive }, writer) => {
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
    '[P52] of a directory and its copy the first to claim wins, the other is fenced',
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
    const memory = { ...writer.memory(), archiveId: 'f'.repeat(32) }
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
    '[P65] an archive that went back is found by its sequence: new id, sequences not used again',
    async (harness, writer) => {
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
        sequences: new Map([[claim.instance, 2]]),
      })
      equal(outdated.kind, 'gap')
      await archive.foldTree()
      await checkTree(harness)
    },
  ),
  withWriter(
    '[P65] after a restore every directory is told, whoever found it first',
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
    '[P65] an instance that the restored archive never met keeps its number and its sequences',
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
    '[P65] a number that went to a stranger after the restore is left to the stranger',
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
    '[P65] a writer that runs on while the archive goes back is stopped',
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

const views: readonly ArchiveContractCase[] = [
  withWriter('the tail of a cut holds exactly what lies beyond it', async ({ archive }, writer) => {
    const other = await newWriter(archive)
    const start = await emptyCut(archive)
    deepEqual(await tailRows(archive, start), [])
    await writer.put(write('a', writer.stamp(), 'a'))
    await other.put(write('b', other.stamp(), 'b'))
    const { cut, nowMs } = await archive.readHeads()
    ok(nowMs > 1_600_000_000_000)
    deepEqual([sequenceAt(cut, writer.claim.instance), sequenceAt(cut, other.claim.instance)], [1, 1])
    await other.put(write('c', other.stamp(), 'c'))
    deepEqual(
      (await tailRows(archive, cut)).map(({ instance, sequence }) => [instance, sequence]),
      [[other.claim.instance, 2]],
    )
    equal((await tailRows(archive, start)).length, 3)
  }),
  withWriter(
    '[P63] [P65] a cut from which the heads cannot be reached is a gap, with its reason',
    async ({ archive }, writer) => {
      for (let count = 0; count < 4; count++) await writer.put(write('a', writer.stamp(), `${count}`))
      const { cut, nowMs } = await archive.readHeads()
      const { instance } = writer.claim
      const at = (sequence: number): Cut => ({ ...cut, sequences: new Map([[instance, sequence]]) })
      const because = async (from: Cut) => {
        const tail = await archive.readTail(from)
        ok(equalCuts(tail.heads.cut, cut))
        return tail.kind === 'gap' ? tail.because : 'no gap'
      }
      equal(await because(at(5)), 'ahead-of-heads')
      equal(await because({ ...cut, sequences: new Map([[instance + 1, 1]]) }), 'ahead-of-heads')
      equal(await because({ ...at(4), archiveId: 'e'.repeat(32) }), 'another-archive')
      equal(await because(at(1)), 'no gap')
      await archive.foldTree()
      equal(await archive.pruneLedger(nowMs + 60_000), 4)
      equal(await because(at(3)), 'pruned')
      equal(await because(at(0)), 'pruned')
      equal(await because(at(4)), 'no gap')
      equal((await archive.readHeads()).prunedSequences.get(instance), 4)
    },
  ),
  withWriter(
    '[P63] pruning takes old rows that the tree includes, and no others',
    async (harness, writer) => {
      const { archive } = harness
      await writer.put(write('a', writer.stamp(), 'a'))
      const { nowMs } = await archive.readHeads()
      equal(await archive.pruneLedger(nowMs + 60_000), 0)
      await archive.foldTree()
      await writer.put(write('b', writer.stamp(), 'b'))
      equal(await archive.pruneLedger(nowMs - 60_000), 0)
      equal(await archive.pruneLedger(nowMs + 60_000), 1)
      await checkTree(harness)
      await archive.foldTree()
      equal(await archive.pruneLedger(nowMs + 60_000), 1)
      await checkTree(harness)
    },
  ),
  withWriter('[W5] a batch is settled also after its ledger row was pruned', async ({ archive }, writer) => {
    const batch = [write('a', writer.stamp(), 'a')]
    await writer.put(...batch)
    await archive.foldTree()
    await archive.pruneLedger((await archive.readHeads()).nowMs + 60_000)
    const again = await writer.send(1, batch)
    ok(again.wasSettled)
    equal(again.outcomes[0]?.kind, 'held')
    equal(itemOf(await archive.get('a')).version, 1)
  }),
  withWriter(
    '[P30] folded pages are what the rows give, after any mixture of writes, deletes and folds',
    async (harness, writer) => {
      const { archive, seed } = harness
      const random = seededRandom(seed)
      const prefixes = ['', 'user.', 'user.admin.', 'use']
      for (let round = 0; round < 12; round++) {
        const ids = new Set(Array.from({ length: 30 }, () => `${random.pick(prefixes)}${random.below(60)}`))
        await writer.put(
          ...[...ids].map((id) =>
            write(id, writer.stamp(), random.chance(0.3) ? undefined : random.bytes(10)),
          ),
        )
        if (random.chance(0.5)) {
          ok((await archive.foldTree()) > 0)
          equal(await archive.foldTree(), 0)
        }
        await checkTree(harness)
      }
      await archive.foldTree()
      const stored = await archive.readTree()
      ok(equalCuts(stored.cut, (await archive.readHeads()).cut))
    },
  ),
  withWriter('[P30] several processes fold at once: every row counts once', async (harness, writer) => {
    const { archive, peer } = harness
    if (peer !== undefined) await peer.open({ branches: BRANCHES, digests: 'keyed' })
    for (let count = 0; count < 10; count++) {
      await writer.put(write(`user.${count}`, writer.stamp(), 'x'), write('hot', writer.stamp(), `${count}`))
      const folds = [archive, peer ?? archive, archive, peer ?? archive].map((by) => by.foldTree())
      equal(
        (await Promise.all(folds)).reduce((sum, rows) => sum + rows, 0),
        1,
      )
    }
    await checkTree(harness)
    await peer?.close()
  }),
  withWriter('[P30] a tree that becomes empty again has no pages left', async (harness, writer) => {
    const { archive } = harness
    await writer.put(write('a', writer.stamp(), 'a'), write('user.b', writer.stamp(), 'b'))
    await archive.foldTree()
    equal((await archive.readTree()).pages.length, 2)
    await writer.put(write('a', writer.stamp(), undefined), write('user.b', writer.stamp(), undefined))
    await archive.foldTree()
    deepEqual((await archive.readTree()).pages, [])
    await checkTree(harness)
  }),
  withWriter(
    '[P55] a scan sees one snapshot, at the cut it names, while writers run',
    async (harness, writer, { isExclusive }) => {
      const { archive } = harness
      const branches = createBranchSet(BRANCHES)
      const ids = Array.from({ length: 2_500 }, (_, index) => `id.${String(index).padStart(5, '0')}`)
      await writer.put(...ids.map((id) => write(id, writer.stamp(), 'first')))
      const change = async () => {
        await writer.put(...ids.slice(1_000).map((id) => write(id, writer.stamp(), 'second')))
        await writer.put(write('id.zz', writer.stamp(), 'new'))
      }
      let changed: Promise<void> | undefined
      const rows: ArchivedRow[] = []
      const cut = await archive.scanRows(async (chunk) => {
        const isFirst = rows.length === 0
        rows.push(...chunk)
        if (!isFirst) return
        changed = change()
        // An exclusive archive may let writers wait until the scan has ended.
        if (!isExclusive) await changed
      })
      const seenIds: string[] = []
      const idsCut = await archive.scanIds((chunk) => void seenIds.push(...chunk))
      await changed
      equal(sequenceAt(cut, writer.claim.instance), 1)
      equal(rows.length, 2_500)
      for (const row of rows) equal(Buffer.from(row.bytes!).toString(), 'first')
      equal(seenIds.length, sequenceAt(idsCut, writer.claim.instance) === 3 ? 2_501 : 2_500)
      // What the ledger tells beyond the cut leads from the scanned rows to the rows of now.
      const tail = await tailRows(archive, cut)
      equal(tail.length, 2)
      await archive.foldTree()
      const now = await allRows(archive)
      equal(
        harness.rootOfRows(now.rows, branches),
        harness.rootOfPages((await archive.readTree()).pages, [], branches),
      )
    },
  ),
  withWriter(
    'scans of large values stay in small chunks, and miss nothing',
    async ({ archive, seed }, writer) => {
      const random = seededRandom(seed)
      const expected = new Map<string, number>()
      for (let count = 0; count < 6; count++) {
        const id = `large.${count}`
        const length = count % 2 === 0 ? 3 * 2 ** 20 : 10
        expected.set(id, length)
        await writer.put(write(id, writer.stamp(), random.bytes(length)))
      }
      let bytesMax = 0
      const lengths = new Map<string, number>()
      await archive.scanRows((chunk) => {
        bytesMax = Math.max(
          bytesMax,
          chunk.reduce((sum, row) => sum + row.bytes!.length, 0),
        )
        for (const row of chunk) lengths.set(row.id, row.bytes!.length)
      })
      deepEqual(lengths, expected)
      ok(bytesMax <= 9 * 2 ** 20 + 30)
    },
  ),
  withWriter('a visitor that throws ends the scan, and the archive goes on', async ({ archive }, writer) => {
    await writer.put(write('a', writer.stamp(), 'a'))
    const stop = Object.assign(new Error('stop'), { name: 'Stop' })
    await rejects(
      archive.scanIds(() => {
        throw stop
      }),
      { name: 'Stop' },
    )
    await rejects(
      archive.scanRows(() => Promise.reject(stop)),
      { name: 'Stop' },
    )
    equal((await writer.put(write('b', writer.stamp(), 'b'))).outcomes[0]?.kind, 'won')
    equal((await archive.readTree()).tail.kind, 'rows')
  }),
]

/**
 * What every archive must do. Each case takes a new, empty archive.
 *
 *   for (const { title, run } of archiveContract) it(title, async () => run(await harness()))
 */
export const archiveContract: readonly ArchiveContractCase[] = [
  ...identity,
  ...items,
  ...winning,
  ...deletes,
  ...ledger,
  ...claims,
  ...views,
]
