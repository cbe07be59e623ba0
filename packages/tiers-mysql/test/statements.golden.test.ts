import { createBranchSet, stampTimeOf, type Clock,
  type CompleteArchiveTier, type InstanceClaim, type ItemWrite, type Random } from '@se/core'
import { archiveContract, createFakeClock, linkOf, seededRandom } from '@se/core/testing'
import { readFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { connect } from '../src/mysql/connect.ts'
import { mysqlArchive } from '../src/mysql/index.ts'
import { topologyOf } from '../src/mysql/topology.ts'
import { sqliteArchive } from '../src/sqlite/index.ts'
import { treeHarness } from './contract-harness.ts'
import {
  recordingConnection,
  recordSqlite,
  shapeOf,
  sideBySide,
  type Answers,
  type Statement,
} from './statement-recorder.ts'

/**
 * Goal: a statement does not change unseen, and one dialect is not mended without the other. Method: everything an archive can be
 * asked is asked of SQLite, which answers, and of MySQL, which is given the same answers; what each was sent stands side by side in
 * `statements.golden.txt`. To write it anew: `npx vitest --root packages/tiers-mysql run statements --update`.
 */

vi.mock('../src/mysql/connect.ts', () => ({ connect: vi.fn() }))
afterEach(() => void vi.restoreAllMocks())

const GOLDEN = './statements.golden.txt'
const NOW_MS = Date.UTC(2026, 0, 1)
const text = new TextEncoder()
const mariaDb = topologyOf(
  Object.entries({
    version: '10.11.19-MariaDB',
    read_only: 'OFF',
    innodb_read_only: 'OFF',
    idle_write_transaction_timeout: '0',
    idle_readonly_transaction_timeout: '0',
    in_predicate_conversion_threshold: '1000',
  }).map(([name, value]) => ({ name, value })),
)
/** Comes near a packet of 16 MiB. */
const NEAR_A_PACKET_BYTES = 2 ** 24 - 200
/** Their ledger row is too large to come along with others. */
const MANY_WRITES = 260

/** What is asked of both, in this order; each leaves something for those after it. */
const QUESTIONS: readonly (readonly [title: string, ask: (asker: Asker) => Promise<unknown>])[] = [
  ['open', ({ archive }) => archive.open({ branches: createBranchSet(['user.']), digests: 'keyed' })],
  ['claimInstance: a new one', (asker) => asker.claim('a')],
  ['putBatch: new rows', (asker) => asker.put(asker.write('a', 'one'), asker.write('user.b', undefined))],
  ['putBatch: the same again, settled', (asker) => asker.send(1, asker.sent)],
  ['putBatch: replaced, one with another state', (asker) => asker.put(asker.write('a', 'two'), asker.write('user.b', 'b', 'other'))],
  ['putBatch: a value near 16 MiB', (asker) => asker.put({ ...asker.write('large', ''), bytes: new Uint8Array(NEAR_A_PACKET_BYTES) })],
  ['get', ({ archive }) => archive.get('a')],
  ['getMany', ({ archive }) => archive.getMany(['a', 'user.b', 'nobody'])],
  ['readHeads', ({ archive }) => archive.readHeads()],
  ['readTail: from the beginning', async (asker) => asker.archive.readTail({ ...(await asker.cut()), positions: new Map() })],
  ['readTail: from before', async (asker) => asker.archive.readTail({ ...(await asker.cut()), positions: new Map([[1, { sequence: 1, link: linkOf(1, 1) }]]) })],
  ['foldTree: new pages', ({ archive }) => archive.foldTree()],
  ['readTree', ({ archive }) => archive.readTree()],
  ['putBatch: many rows', (asker) => asker.put(...Array.from({ length: MANY_WRITES }, (_, index) => asker.write(`user.${'x'.repeat(245)}${index}`, 'x')))],
  ['readTail: a large row', async (asker) => asker.archive.readTail({ ...(await asker.cut()), positions: new Map([[1, { sequence: 3, link: linkOf(1, 3) }]]) })],
  ['putBatch: deletes', (asker) => asker.put(asker.write('a', undefined), asker.write('large', undefined))],
  ['foldTree: a page that is empty now', ({ archive }) => archive.foldTree()],
  ['scanIds', ({ archive }) => archive.scanIds(() => {})],
  ['scanRows', ({ archive }) => archive.scanRows(() => {})],
  ['collectTombstones', ({ archive }) => archive.collectTombstones(NOW_MS)],
  ['touchInstance', (asker) => asker.archive.touchInstance(asker.own)],
  ['pruneLedger', ({ archive }) => archive.pruneLedger(NOW_MS + 1)],
  ['claimInstance: remembered, at a sequence that was pruned', (asker) => asker.claimAgain(2)],
  ['claimInstance: another directory', (asker) => asker.claimOther('b')],
  ['endInstance', (asker) => asker.archive.endInstance(asker.other!)],
  ['retireInstances', (asker) => asker.retire()],
  ['close', ({ archive }) => archive.close()],
]

/** Asks one archive; both are asked with the same words. */
class Asker {
  readonly archive: CompleteArchiveTier
  own!: InstanceClaim
  other: InstanceClaim | undefined
  sent: readonly ItemWrite[] = []
  #sequence = 0
  #time = stampTimeOf(NOW_MS - 60_000)

  constructor(archive: CompleteArchiveTier) {
    this.archive = archive
  }

  write(id: string, value: string | undefined, state = 'default'): ItemWrite {
    this.#time += 1
    const stamp = { time: this.#time, instance: this.own.instance }
    const bytes = value === undefined ? undefined : text.encode(value)
    return { id, stamp, state, contentType: 'text/plain', bytes }
  }

  put(...writes: readonly ItemWrite[]) {
    this.#sequence += 1
    this.sent = writes
    return this.send(this.#sequence, writes)
  }

  send(sequence: number, writes: readonly ItemWrite[]) {
    return this.archive.putBatch({ claim: this.own, sequence, link: linkOf(1, sequence), writes })
  }

  async cut() {
    return { archiveId: this.own.archiveId, positions: new Map() }
  }

  async claim(digit: string) {
    this.own = await this.archive.claimInstance({ memory: undefined, knownNonces: [], nonce: digit.repeat(32) })
  }

  async claimOther(digit: string) {
    this.other = await this.archive.claimInstance({ memory: undefined, knownNonces: [], nonce: digit.repeat(32) })
  }

  /** @param lastSequence that the directory remembers, below the archive's */
  async claimAgain(lastSequence: number) {
    const { birthId, archiveId, instance, epoch, nonce } = this.own
    const memory = { birthId, archiveId, instance, epoch, lastSequence, lastLink: linkOf(1, lastSequence) }
    this.own = await this.archive.claimInstance({ memory, knownNonces: [nonce], nonce: 'c'.repeat(32) })
  }

  retire() {
    const sequence = this.#sequence + 1
    return this.archive.retireInstances({
      claim: this.own,
      sequence,
      link: linkOf(1, sequence),
      deadBeforeMs: 0,
      instancesMax: 10,
    })
  }
}

/** The same for both: the pool's chances are none, so that they take nothing from what the archive draws. */
function ports(): { clock: Clock; random: Random } {
  const { bytes } = seededRandom(1)
  return { clock: createFakeClock(NOW_MS), random: { bytes, fraction: () => 0 } }
}

it('both dialects are sent what the table says', async () => {
  const sqlite: Statement[] = []
  const answers: Answers = []
  recordSqlite(sqlite, answers)
  const mysql: Statement[] = []
  vi.mocked(connect).mockImplementation(async () => recordingConnection(mariaDb, mysql, answers))
  const sqliteSide = new Asker(sqliteArchive({ file: ':memory:', ...ports() }))
  const mysqlSide = new Asker(mysqlArchive({ url: 'mysql://localhost/shop', ...ports() }))
  const seen = new Set<string>()
  const lines: string[] = []
  for (const [title, ask] of QUESTIONS) {
    const [sqliteAnswer, mysqlAnswer] = [await ask(sqliteSide), await ask(mysqlSide)]
    // The same answers lead to the same end.
    if (title !== 'open') expect(mysqlAnswer, title).toEqual(sqliteAnswer)
    expect(answers, `${title}: MySQL was asked as often`).toEqual([])
    const news = sideBySide(mysql.splice(0), sqlite.splice(0), seen)
    if (news.length > 0) lines.push(title, ...news)
  }
  await expect(lines.join('\n')).toMatchFileSnapshot(GOLDEN)
})

it('the table has every statement that the contract suite makes an archive send', async () => {
  const golden = readFileSync(new URL(GOLDEN, import.meta.url), 'utf8')
  const known = new Set([...golden.matchAll(/^ {2}sqlite {2}(.*)$/gm)].map(([, statement]) => shapeOf(statement!)))
  const sent: Statement[] = []
  recordSqlite(sent, [])
  for (const { run } of archiveContract) {
    const archive = sqliteArchive({ file: ':memory:' })
    // Whether the case holds is told elsewhere; one that puts a backup back ends here.
    const backup = () => Promise.reject(new Error('no backup'))
    await run({ ...treeHarness, archive, backup }).catch(() => {})
    await archive.close()
  }
  const unknown = new Set(sent.map(({ text: statement }) => statement).filter((each) => !known.has(shapeOf(each))))
  expect([...unknown]).toEqual([])
}, 60_000)
