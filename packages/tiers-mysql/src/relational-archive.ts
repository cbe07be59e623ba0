import {
  ArchiveRefusedData,
  InstanceFenced,
  TierUnavailable,
  readArchiveOpenOptions,
  type ArchiveBatch,
  type ArchivedRow,
  type ArchiveDescription,
  type ArchiveOpenOptions,
  type BranchSet,
  type ClaimKey,
  type ClaimRequest,
  type CommittedBatch,
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
import type { ArchiveDatabase } from './archive-database.ts'
import { claimInstance } from './claim-instance.ts'
import { foldTree, readTree } from './fold-tree.ts'
import { readHeads } from './heads.ts'
import { checkBranches, digestKeyOf, readOrMakeFacts } from './identity.ts'
import { schemaText } from './install.ts'
import { retireInstances, seeInstance } from './instances.ts'
import type { FoundRow } from './item-row.ts'
import { prepareBatch, putBatch } from './put-batch.ts'
import { codeOf, Runner, type ArchivePorts } from './runner.ts'
import { scanIds, scanRows } from './scans.ts'
import type { InstanceState } from './schema.ts'
import { readTail } from './tail.ts'
import { endAttempts } from './take-sequence.ts'
import { collectTombstones, pruneLedger } from './upkeep.ts'

/** What `open` has found. */
interface OpenState {
  readonly branches: BranchSet
  readonly digester: RowDigester
}

/** Longest time of a claim, ms. */
const CLAIM_MS = 30_000

/** An archive on a relational database. */
export interface SqlArchive extends CompleteArchiveTier {
  /**
   * The statements that make the archive's tables, for users who may not make tables: run them once, then
   * `open` finds everything done. Needs no connection.
   */
  schema(): string
}

/**
 * L3 on a relational database: the semantics, which are the same for every database. Each method says under which rule its work runs
 * (a transaction, a snapshot, a single statement); the work itself is in a file of its own.
 */
export class RelationalArchive implements SqlArchive {
  readonly backend: string
  readonly #database: ArchiveDatabase
  readonly #ports: ArchivePorts
  readonly #runner: Runner
  /** Nonces of the claims that have lost sight of an attempt. */
  readonly #lostSight = new Set<string>()
  #state: OpenState | undefined

  constructor(database: ArchiveDatabase, ports: ArchivePorts) {
    this.backend = database.name
    this.#database = database
    this.#ports = ports
    this.#runner = new Runner(database, ports)
  }

  schema(): string {
    return schemaText(this.#database.schema)
  }

  async open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    const { branches, digests, timeoutMs } = readArchiveOpenOptions(options)
    const { isExclusive } = this.#database
    const { random } = this.#ports
    try {
      const facts = await this.#runner.within('opening', timeoutMs, async () => {
        // Under the rules of transactions: others may be opening it at the same moment [P79].
        await this.#runner.retried(async () => {
          await this.#database.open()
          await this.#database.install()
        })
        return this.#runner.write((session) => readOrMakeFacts(session, random, { branches, digests }))
      })
      checkBranches(facts, branches)
      const digestKey = digestKeyOf(facts)
      this.#state = { branches, digester: createRowDigester(digestKey) }
      return { birthId: facts.birth_id, archiveId: facts.archive_id, digestKey, branches, isExclusive }
    } catch (error) {
      await this.#database.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#state = undefined
    await this.#database.close()
  }

  async claimInstance(request: ClaimRequest): Promise<InstanceClaim> {
    const { branches } = this.#open()
    const { random } = this.#ports
    return this.#runner.within('the claim', CLAIM_MS, () =>
      this.#runner.writeOnceCaughtUp((session, isSure) =>
        claimInstance(session, { branches, random }, request, isSure),
      ),
    )
  }

  async putBatch(batch: ArchiveBatch): Promise<CommittedBatch> {
    const { digester } = this.#open()
    const prepared = prepareBatch(batch)
    return this.#ofClaim(batch.claim, () =>
      this.#runner.writeOnceCaughtUp((session, isSure) => putBatch(session, digester, prepared, isSure)),
    )
  }

  /**
   * Runs what takes a sequence. A connection that was lost may leave a transaction at the server that still commits, so the next
   * attempt of the claim begins with an end to those before it [P61].
   */
  async #ofClaim<T>(claim: ClaimKey, work: () => Promise<T>): Promise<T> {
    const { nonce } = claim
    try {
      if (this.#lostSight.delete(nonce)) await this.#runner.write((session) => endAttempts(session, claim))
      return await work()
    } catch (error) {
      // After these two nothing is left at the server.
      const isOver = error instanceof InstanceFenced || error instanceof ArchiveRefusedData
      if (!isOver) this.#lostSight.add(nonce)
      throw error
    }
  }

  async endInstance(claim: ClaimKey): Promise<void> {
    await this.#see(claim, 'ended')
  }

  async touchInstance(claim: ClaimKey): Promise<void> {
    await this.#see(claim, 'active')
  }

  #see(claim: ClaimKey, state: InstanceState): Promise<void> {
    this.#open()
    return this.#runner.writeOnceCaughtUp((session, isSure) => seeInstance(session, claim, state, isSure))
  }

  async retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    this.#open()
    return this.#ofClaim(request.claim, () =>
      this.#runner.writeOnceCaughtUp((session, isSure) => retireInstances(session, request, isSure)),
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
      found = await this.#database.find(ids)
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
    return this.#runner.read((reader) => readHeads(reader))
  }

  async readTail(from: Cut): Promise<LedgerTail> {
    this.#open()
    return this.#runner.snapshot((session) => readTail(session, from))
  }

  async readTree(): Promise<StoredTree> {
    this.#open()
    return this.#runner.snapshot((session) => readTree(session))
  }

  async foldTree(): Promise<number> {
    const { branches } = this.#open()
    const { rowCount } = await this.#runner.write((session) => foldTree(session, branches))
    return rowCount
  }

  async scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    this.#open()
    return this.#runner.snapshot((session) => scanIds(session, visit), true)
  }

  async scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    this.#open()
    return this.#runner.snapshot((session) => scanRows(session, visit), true)
  }

  async collectTombstones(beforeMs: number): Promise<number> {
    this.#open()
    return collectTombstones(this.#runner, beforeMs)
  }

  async pruneLedger(beforeMs: number): Promise<number> {
    this.#open()
    return pruneLedger(this.#runner, beforeMs)
  }

  #open(): OpenState {
    if (this.#state === undefined) throw new TierUnavailable(`${this.backend}: the archive is not open`)
    return this.#state
  }
}
