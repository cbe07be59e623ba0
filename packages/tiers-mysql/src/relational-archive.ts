import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  ArchiveRefusedData,
  BranchMismatch,
  createBranchSet,
  encodeCut,
  InvalidInput,
  StorageError,
  stampTimeOf,
  TierUnavailable,
  type ArchiveBatch,
  type ArchivedRow,
  type ArchiveDescription,
  type ArchiveOpenOptions,
  type ArchiveTier,
  type BatchReceipt,
  type BranchSet,
  type ClaimKey,
  type ClaimRequest,
  type Clock,
  type Cut,
  type Heads,
  type InstanceClaim,
  type LedgerTail,
  type Lookup,
  type Random,
  type RetiredInstance,
  type RetirementRequest,
  type StoredTree,
} from '@se/core'
import { createRowDigester, type RowDigester } from '@se/merkle'
import type { Backend, FoundRow, ReadSession, WriteSession } from './backend.ts'
import { claimInstance, newArchiveId } from './claim-instance.ts'
import { foldTree, readPages } from './fold-tree.ts'
import { readHeads } from './heads.ts'
import { retireInstances, seeInstance } from './instances.ts'
import { pruneChunk } from './ledger.ts'
import { raiseCollectionFloor, readTreeCut } from './meta.ts'
import { prepareBatch, putBatch } from './put-batch.ts'
import { withRetries, type RetryReport } from './retry.ts'
import type { ArchiveTables, MetaName } from './schema.ts'
import { readTail } from './tail.ts'

/** Everything the archive needs beside its database. */
export interface ArchivePorts {
  readonly clock: Clock
  readonly random: Random
  /** Most attempts at one transaction that meets conflicts, the first included. */
  readonly attemptsMax: number
  readonly onRetry: (report: RetryReport) => void
}

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

/** L3 on a relational database: the semantics, the same whatever the database is. */
export class RelationalArchive implements ArchiveTier {
  readonly backend: string
  readonly #backend: Backend
  readonly #ports: ArchivePorts
  #state: OpenState | undefined

  constructor(backend: Backend, ports: ArchivePorts) {
    this.backend = backend.name
    this.#backend = backend
    this.#ports = ports
  }

  async open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    const declared = createBranchSet(options.branches)
    await this.#guard(() => this.#backend.open())
    try {
      const facts = await this.#write((session) => this.#readOrMakeIdentity(session, declared, options))
      const branches = JSON.parse(facts.branches) as string[]
      if (JSON.stringify(branches) !== JSON.stringify(declared.prefixes)) {
        throw new BranchMismatch('the archive was made with another set of branches', {
          details: { declared: declared.prefixes, stored: branches },
        })
      }
      const digestKey =
        facts.digest_key === '' ? undefined : new Uint8Array(Buffer.from(facts.digest_key, 'hex'))
      this.#state = { branches: declared, digester: createRowDigester(digestKey) }
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
    return this.#write((session) =>
      claimInstance(session, this.#backend.dialect, { branches, random }, request),
    )
  }

  async putBatch(batch: ArchiveBatch): Promise<BatchReceipt> {
    const tools = this.#open()
    const prepared = prepareBatch(batch)
    return this.#write((session) => putBatch(session, this.#backend.dialect, tools, prepared))
  }

  async endInstance(claim: ClaimKey): Promise<void> {
    this.#open()
    await this.#write((session) => seeInstance(session, this.#backend.dialect, claim, 'ended'))
  }

  async touchInstance(claim: ClaimKey): Promise<void> {
    this.#open()
    await this.#write((session) => seeInstance(session, this.#backend.dialect, claim, 'active'))
  }

  async retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    this.#open()
    return this.#write((session) => retireInstances(session, this.#backend.dialect, request))
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
      if (isOwn(error)) throw error
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
    return this.#guard(() => readHeads(this.#backend, this.#backend.dialect))
  }

  async readTail(from: Cut): Promise<LedgerTail> {
    return this.#snapshot((session) => readTail(session, this.#backend.dialect, from))
  }

  async readTree(): Promise<StoredTree> {
    const { dialect } = this.#backend
    return this.#snapshot(async (session) => {
      const cut = await readTreeCut(session, dialect)
      const pages = await readPages(session, dialect)
      return { cut, pages, tail: await readTail(session, dialect, cut) }
    })
  }

  async foldTree(): Promise<number> {
    const { branches } = this.#open()
    const { rowCount } = await this.#write((session) => foldTree(session, this.#backend.dialect, branches))
    return rowCount
  }

  async scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    return this.#snapshot(async (session) => {
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
    })
  }

  async scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    return this.#snapshot(async (session) => {
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
    })
  }

  async collectTombstones(beforeMs: number): Promise<number> {
    const { dialect } = this.#backend
    const { nowMs } = await this.readHeads()
    if (!Number.isInteger(beforeMs)) throw new InvalidInput('beforeMs', 'must be an integer')
    const limitTime = stampTimeOf(Math.min(beforeMs, nowMs)) - 1
    let removedCount = 0
    let after: string | undefined
    for (;;) {
      const found = await this.#write((session) => session.tombstonesAfter(after, limitTime, COLLECT_ROWS))
      if (found.length > 0) {
        // Never higher than what is collected: by whatever clock, no new id is refused for it [P67].
        const floor = found.reduce((newest, { time }) => Math.max(newest, time), 0)
        const ids = found.map(({ id }) => id)
        await this.#write((session) => raiseCollectionFloor(session, dialect, floor))
        removedCount += await this.#write((session) => session.removeTombstones(ids, floor))
      }
      if (found.length < COLLECT_ROWS) return removedCount
      after = found.at(-1)!.id
      await nextTurn()
    }
  }

  async pruneLedger(beforeMs: number): Promise<number> {
    const { dialect } = this.#backend
    this.#open()
    const folded = await this.#guard(() => readTreeCut(this.#backend, dialect))
    let removedCount = 0
    for (const [instance, { sequence: limit }] of folded.positions) {
      let removed: number
      do {
        removed = await this.#write(async (session) => {
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
    branches: BranchSet,
    options: ArchiveOpenOptions,
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
      former_ids: '[]',
      branches: JSON.stringify(branches.prefixes),
      digest_key:
        options.digests === 'keyed' ? Buffer.from(random.bytes(DIGEST_KEY_BYTES)).toString('hex') : '',
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

  /** A write transaction, redone while others are in the way [W7]. */
  #write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    const backend = this.#backend
    const { attemptsMax, clock, random, onRetry } = this.#ports
    return this.#guard(() =>
      withRetries(() => backend.write(work), {
        attemptsMax,
        clock,
        random,
        isWorthAnother: (error) => !isOwn(error) && backend.classify(error) === 'conflict',
        onRetry: (error, attempts) => onRetry({ backend: backend.name, attempts, error }),
      }),
    )
  }

  async #snapshot<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
    this.#open()
    return this.#guard(() => this.#backend.snapshot(work))
  }

  /** Gives the driver's errors the names the port promises. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isOwn(error)) throw error
      const message = `${this.backend}: ${this.#backend.describe(error)}`
      const details = { code: codeOf(error) }
      if (this.#backend.classify(error) === 'refused') {
        throw new ArchiveRefusedData(message, { cause: error, details })
      }
      throw new TierUnavailable(message, { cause: error, details })
    }
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

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * Our own typed errors pass as they are. An error without a code comes from no driver and no socket, but from
 * a mistake in this program, which must not look like an outage.
 */
function isOwn(error: unknown): boolean {
  return error instanceof StorageError || codeOf(error) === undefined
}
