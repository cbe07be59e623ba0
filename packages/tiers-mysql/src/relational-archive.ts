import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  BranchMismatch,
  encodeCut,
  InvalidInput,
  stampTimeOf,
  TierUnavailable,
  TIMEOUT_MS_MAX,
  type ArchiveBatch,
  type ArchivedRow,
  type ArchiveDescription,
  type ArchiveOpenOptions,
  type CommittedBatch,
  type BranchSet,
  type ClaimKey,
  type ClaimRequest,
  type CompleteArchiveTier,
  type Cut,
  type Heads,
  type InstanceClaim,
  type LedgerTail,
  type Lookup,
  type RetiredInstance,
  type RetirementRequest,
  type StoredTree,
} from '@se/core'
import { createRowDigester, type RowDigester } from '@se/merkle'
import type { Backend, FoundRow, WriteSession } from './backend.ts'
import { claimInstance, newArchiveId } from './claim-instance.ts'
import { foldTree, readPages } from './fold-tree.ts'
import { readHeads } from './heads.ts'
import { schemaText } from './install.ts'
import { retireInstances, seeInstance } from './instances.ts'
import { pruneChunk } from './ledger.ts'
import { raiseCollectionFloor, readTreeCut } from './meta.ts'
import { prepareBatch, putBatch } from './put-batch.ts'
import { codeOf, Runner, type ArchivePorts } from './runner.ts'
import type { ArchiveTables, InstanceState, MetaName } from './schema.ts'
import { readTail } from './tail.ts'

/** What `open` has found. */
interface OpenState {
  readonly branches: BranchSet
  readonly digester: RowDigester
}

const DIGEST_KEY_BYTES = 16
const SCAN_IDS = 5_000
const SCAN_ROWS = 1_000
/** Values of one chunk of a scan, bytes, unless a single one is larger. */
const SCAN_VALUE_BYTES = 4 * 1024 * 1024
const COLLECT_ROWS = 1_000
/** Longest time of an `open` that names none, ms. */
const OPEN_MS = 30_000
/** … and of a claim, ms. */
const CLAIM_MS = 30_000

/** An archive on a relational database. */
export interface SqlArchive extends CompleteArchiveTier {
  /**
   * The statements that make the archive's tables, for those who may not make tables themselves: run them once, then
   * `open` finds everything done. Needs no connection.
   */
  schema(): string
}

/** L3 on a relational database: the semantics, the same whatever the database is. */
export class RelationalArchive implements SqlArchive {
  readonly backend: string
  readonly #backend: Backend
  readonly #ports: ArchivePorts
  readonly #runner: Runner
  #state: OpenState | undefined

  constructor(backend: Backend, ports: ArchivePorts) {
    this.backend = backend.name
    this.#backend = backend
    this.#ports = ports
    this.#runner = new Runner(backend, ports)
  }

  schema(): string {
    return schemaText(this.#backend.schema)
  }

  async open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    const { branches } = options
    const timeoutMs = options.timeoutMs ?? OPEN_MS
    if (!(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX)) {
      throw new InvalidInput('timeoutMs', `must be an integer from 1 to ${TIMEOUT_MS_MAX}`)
    }
    try {
      const facts = await this.#runner.within('opening', timeoutMs, async () => {
        // Under the rules of transactions: others may be opening it at the same moment [P79].
        await this.#runner.retried(async () => {
          await this.#backend.open()
          await this.#backend.install()
        })
        return this.#runner.write((session) => this.#readOrMakeIdentity(session, options))
      })
      if (facts.branches !== JSON.stringify(branches.prefixes)) {
        throw new BranchMismatch('the archive was made with another set of branches', {
          details: { declared: branches.prefixes, stored: JSON.parse(facts.branches) as string[] },
        })
      }
      const digestKey =
        facts.digest_key === '' ? undefined : new Uint8Array(Buffer.from(facts.digest_key, 'hex'))
      this.#state = { branches, digester: createRowDigester(digestKey) }
      return {
        birthId: facts.birth_id,
        archiveId: facts.archive_id,
        digestKey,
        branches,
        isExclusive: this.#backend.isExclusive,
      }
    } catch (error) {
      await this.#backend.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#state = undefined
    await this.#backend.close()
  }

  async claimInstance(request: ClaimRequest): Promise<InstanceClaim> {
    const { branches } = this.#open()
    const { random } = this.#ports
    return this.#runner.within('the claim', CLAIM_MS, () =>
      this.#runner.writeOnceCaughtUp((session, isSure) =>
        claimInstance(session, this.#backend.dialect, { branches, random }, request, isSure),
      ),
    )
  }

  async putBatch(batch: ArchiveBatch): Promise<CommittedBatch> {
    const tools = this.#open()
    const prepared = prepareBatch(batch)
    return this.#runner.writeOnceCaughtUp((session, isSure) =>
      putBatch(session, this.#backend.dialect, tools, prepared, isSure),
    )
  }

  async endInstance(claim: ClaimKey): Promise<void> {
    await this.#see(claim, 'ended')
  }

  async touchInstance(claim: ClaimKey): Promise<void> {
    await this.#see(claim, 'active')
  }

  #see(claim: ClaimKey, state: InstanceState): Promise<void> {
    this.#open()
    return this.#runner.writeOnceCaughtUp((session, isSure) =>
      seeInstance(session, this.#backend.dialect, claim, state, isSure),
    )
  }

  async retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    this.#open()
    return this.#runner.writeOnceCaughtUp((session, isSure) =>
      retireInstances(session, this.#backend.dialect, request, isSure),
    )
  }

  async get(id: string): Promise<Lookup> {
    const [lookup] = await this.getMany([id])
    return lookup!
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return []
    if (this.#state === undefined) return ids.map(() => ({ kind: 'unknown', because: 'disconnected' }))
    let found: ReadonlyMap<string, FoundRow>
    try {
      found = await this.#backend.find(ids)
    } catch (error) {
      if (this.#runner.judge(error).kind === 'own') throw error
      const because = codeOf(error)?.includes('TIMEOUT') === true ? 'timeout' : 'disconnected'
      return ids.map(() => ({ kind: 'unknown', because, cause: error }))
    }
    return ids.map((id): Lookup => {
      const row = found.get(id)
      if (row === undefined) return { kind: 'absent' }
      return row.kind === 'item'
        ? { kind: 'found', item: row.item }
        : { kind: 'absent', tombstone: row.stamp }
    })
  }

  async readHeads(): Promise<Heads> {
    this.#open()
    return this.#runner.named(() => this.#backend.read((reader) => readHeads(reader, this.#backend.dialect)))
  }

  async readTail(from: Cut): Promise<LedgerTail> {
    this.#open()
    return this.#runner.snapshot((session) => readTail(session, this.#backend.dialect, from))
  }

  async readTree(): Promise<StoredTree> {
    const { dialect } = this.#backend
    this.#open()
    return this.#runner.snapshot(async (session) => {
      const cut = await readTreeCut(session, dialect)
      const pages = await readPages(session, dialect)
      return { cut, pages, tail: await readTail(session, dialect, cut) }
    })
  }

  async foldTree(): Promise<number> {
    const { branches } = this.#open()
    const { rowCount } = await this.#runner.write((session) =>
      foldTree(session, this.#backend.dialect, branches),
    )
    return rowCount
  }

  async scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    this.#open()
    return this.#runner.snapshot(async (session) => {
      const { cut } = await readHeads(session, this.#backend.dialect)
      let after: string | undefined
      for (;;) {
        const ids = await session.liveIdsAfter(after, SCAN_IDS)
        if (ids.length > 0) visit(ids)
        if (ids.length < SCAN_IDS) return cut
        after = ids.at(-1)
        // A synchronous driver would otherwise hold the event loop for the whole scan.
        await nextTurn()
      }
    }, true)
  }

  async scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    this.#open()
    return this.#runner.snapshot(async (session) => {
      const { cut } = await readHeads(session, this.#backend.dialect)
      let after: string | undefined
      for (;;) {
        const sizes = await session.sizesAfter(after, SCAN_ROWS)
        for (const last of chunkEnds(sizes, SCAN_VALUE_BYTES)) {
          await visit(await session.rowsBetween(after, last))
          after = last
          await nextTurn()
        }
        if (sizes.length < SCAN_ROWS) return cut
      }
    }, true)
  }

  async collectTombstones(beforeMs: number): Promise<number> {
    const { dialect } = this.#backend
    const { nowMs } = await this.readHeads()
    if (!Number.isInteger(beforeMs)) throw new InvalidInput('beforeMs', 'must be an integer')
    const limitTime = stampTimeOf(Math.min(beforeMs, nowMs)) - 1
    let removedCount = 0
    let after: string | undefined
    for (;;) {
      const found = await this.#runner.write((session) =>
        session.tombstonesAfter(after, limitTime, COLLECT_ROWS),
      )
      if (found.length > 0) {
        // Never higher than what is collected: by whatever clock, no new id is refused for it [P67].
        const floor = found.reduce((newest, { time }) => Math.max(newest, time), 0)
        const ids = found.map(({ id }) => id)
        await this.#runner.write((session) => raiseCollectionFloor(session, dialect, floor))
        removedCount += await this.#runner.write((session) => session.removeTombstones(ids, floor))
      }
      if (found.length < COLLECT_ROWS) return removedCount
      after = found.at(-1)!.id
      await nextTurn()
    }
  }

  async pruneLedger(beforeMs: number): Promise<number> {
    const { dialect } = this.#backend
    this.#open()
    const folded = await this.#runner.named(() =>
      this.#backend.read((reader) => readTreeCut(reader, dialect)),
    )
    let removedCount = 0
    for (const [instance, { sequence: limit }] of folded.positions) {
      let removed: number
      do {
        removed = await this.#runner.write(async (session) => {
          // Whoever folds looks for the links at the pages' cut, and must find them.
          await readTreeCut(session, dialect, 'share')
          return pruneChunk(session, dialect, { instance, limit, beforeMs })
        })
        removedCount += removed
      } while (removed > 0)
    }
    return removedCount
  }

  async #readOrMakeIdentity(
    session: WriteSession,
    { branches, digests }: ArchiveOpenOptions,
  ): Promise<Record<MetaName, string>> {
    const { builder } = this.#backend.dialect
    const stored = await session.rows(builder.selectFrom('sync_meta').selectAll().compile())
    if (stored.length > 0) {
      return Object.fromEntries(stored.map(({ name, value }) => [name, value])) as Record<MetaName, string>
    }
    const { random } = this.#ports
    const archiveId = newArchiveId(random)
    const facts: Record<MetaName, string> = {
      birth_id: archiveId,
      archive_id: archiveId,
      branches: JSON.stringify(branches.prefixes),
      digest_key: digests === 'keyed' ? Buffer.from(random.bytes(DIGEST_KEY_BYTES)).toString('hex') : '',
      collection_floor: '0',
      last_number: '0',
      tree_cut: encodeCut({ archiveId, positions: new Map() }),
    }
    // Two processes may both find the table empty: one of them meets a duplicate key, and redoes all.
    const rows = Object.entries(facts).map(([name, value]) => ({ name, value }) as ArchiveTables['sync_meta'])
    await session.run(builder.insertInto('sync_meta').values(rows).compile())
    return facts
  }

  #open(): OpenState {
    if (this.#state === undefined) throw new TierUnavailable(`${this.backend}: the archive is not open`)
    return this.#state
  }
}

/** Ids at which to end a chunk so that its values stay within `bytesMax`; a larger value is alone. */
function chunkEnds(
  sizes: readonly { readonly id: string; readonly valueBytes: number }[],
  bytesMax: number,
): readonly string[] {
  const ends: string[] = []
  let bytes = 0
  for (const [index, { id, valueBytes }] of sizes.entries()) {
    bytes += valueBytes
    const next = sizes[index + 1]
    if (next !== undefined && bytes + next.valueBytes <= bytesMax) continue
    ends.push(id)
    bytes = 0
  }
  return ends
}
