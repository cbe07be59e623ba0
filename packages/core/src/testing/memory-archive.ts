import type { Cut } from '../cut.ts'
import { BranchMismatch, TierUnavailable } from '../errors.ts'
import { compareIds } from '../item.ts'
import { readArchiveOpenOptions } from '../open-options.ts'
import { systemClock } from '../node/system-clock.ts'
import { systemRandom } from '../node/system-random.ts'
import type {
  ArchiveBatch,
  ArchiveDescription,
  ArchivedRow,
  ArchiveOpenOptions,
  CommittedBatch,
  ClaimKey,
  ClaimRequest,
  CompleteArchiveTier,
  InstanceClaim,
  RetirementRequest,
} from '../archive-tier.ts'
import type { Heads, LedgerTail, RetiredInstance, StoredTree } from '../ledger.ts'
import type { Lookup } from '../lookup.ts'
import * as instances from './memory-archive-instances.ts'
import * as batches from './memory-archive-batches.ts'
import * as ledger from './memory-archive-ledger.ts'
import { newState, type MemoryArchiveOptions, type State, type World } from './memory-archive-state.ts'

/** Methods of the tier that can be made to fail. */
export type ArchiveOperation = Exclude<keyof CompleteArchiveTier, 'backend' | 'close'>

/**
 * An archive in memory with the semantics of the real ones (it passes the same contract), and with switches
 * for what tests need to happen to it.
 */
export interface MemoryArchive extends CompleteArchiveTier {
  /** Another process' connection to the same archive; switches are its own. */
  peer(): MemoryArchive
  /**
   * Makes the next call of one method fail: `before` it does anything, or `after-commit`, so that its answer is
   * lost. Lookups then answer `unknown`.
   *
   * @param error default: `TierUnavailable`
   */
  failNext(operation: ArchiveOperation, when: 'before' | 'after-commit', error?: Error): void
  /** While false, everything fails as if the archive were unreachable. */
  setAvailable(isAvailable: boolean): void
  /** A backup of the whole archive. */
  backup(): MemoryArchiveBackup
  /** Puts the archive back to what it was, for all peers. */
  restoreTo(backup: MemoryArchiveBackup): void
}

/** Opaque. */
export interface MemoryArchiveBackup {
  readonly state: State
}

export function memoryArchive(options: MemoryArchiveOptions): MemoryArchive {
  const random = options.random ?? systemRandom
  const state = newState(random)
  return new MemoryArchiveHandle({
    options,
    clock: options.clock ?? systemClock,
    random,
    state,
  })
}

class MemoryArchiveHandle implements MemoryArchive {
  readonly backend = 'memory'
  readonly #world: World
  readonly #failures: { operation: ArchiveOperation; when: 'before' | 'after-commit'; error: Error }[] = []
  #isAvailable = true
  #isOpen = false

  constructor(world: World) {
    this.#world = world
  }

  peer(): MemoryArchive {
    return new MemoryArchiveHandle(this.#world)
  }

  failNext(operation: ArchiveOperation, when: 'before' | 'after-commit', error?: Error): void {
    this.#failures.push({ operation, when, error: error ?? new TierUnavailable('memory: made to fail') })
  }

  setAvailable(isAvailable: boolean): void {
    this.#isAvailable = isAvailable
  }

  backup(): MemoryArchiveBackup {
    return { state: structuredClone(this.#world.state) }
  }

  restoreTo(backup: MemoryArchiveBackup): void {
    this.#world.state = structuredClone(backup.state)
  }

  async open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    const { branches, digests } = readArchiveOpenOptions(options)
    this.#isOpen = true
    try {
      return this.#do('open', () => {
        const { state, random } = this.#world
        const { prefixes } = branches
        if (state.prefixes === undefined) {
          state.prefixes = prefixes
          state.digestKey = digests === 'keyed' ? random.bytes(16) : undefined
        }
        if (JSON.stringify(state.prefixes) !== JSON.stringify(prefixes)) {
          throw new BranchMismatch('the archive was made with another set of branches')
        }
        return {
          birthId: state.birthId,
          archiveId: state.archiveId,
          digestKey: state.digestKey,
          branches,
          isExclusive: this.#world.options.isExclusive ?? false,
        }
      })
    } catch (error) {
      this.#isOpen = false
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isOpen = false
  }

  async claimInstance(request: ClaimRequest): Promise<InstanceClaim> {
    return this.#do('claimInstance', () => instances.claim(this.#world, request))
  }

  async putBatch(batch: ArchiveBatch): Promise<CommittedBatch> {
    return this.#do('putBatch', () => batches.put(this.#world, batch))
  }

  async endInstance(claim: ClaimKey): Promise<void> {
    return this.#do('endInstance', () => instances.end(this.#world, claim))
  }

  async touchInstance(claim: ClaimKey): Promise<void> {
    return this.#do('touchInstance', () => instances.touch(this.#world, claim))
  }

  async retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    return this.#do('retireInstances', () => instances.retire(this.#world, request))
  }

  async get(id: string): Promise<Lookup> {
    try {
      return this.#do('get', () => ledger.lookup(this.#world.state, id))
    } catch (cause) {
      return { kind: 'unknown', because: 'disconnected', cause }
    }
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return []
    try {
      return this.#do('getMany', () => ids.map((id) => ledger.lookup(this.#world.state, id)))
    } catch (cause) {
      return ids.map(() => ({ kind: 'unknown', because: 'disconnected', cause }))
    }
  }

  async readHeads(): Promise<Heads> {
    return this.#do('readHeads', () => ledger.heads(this.#world))
  }

  async readTail(from: Cut): Promise<LedgerTail> {
    return this.#do('readTail', () => ledger.tail(this.#world, from))
  }

  async readTree(): Promise<StoredTree> {
    return this.#do('readTree', () => {
      const { state } = this.#world
      const cut = ledger.treeCut(state)
      return { cut, pages: state.pages, tail: ledger.tail(this.#world, cut) }
    })
  }

  async foldTree(): Promise<number> {
    return this.#do('foldTree', () => ledger.fold(this.#world))
  }

  async scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    return this.#do('scanIds', () => {
      const ids = [...this.#world.state.rows.values()]
        .filter(({ write }) => write.bytes !== undefined)
        .map(({ write }) => write.id)
      if (ids.length > 0) visit(ids)
      return ledger.heads(this.#world).cut
    })
  }

  async scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    const { rows, cut } = this.#do('scanRows', () => ({
      rows: [...this.#world.state.rows.values()],
      cut: ledger.heads(this.#world).cut,
    }))
    rows.sort((a, b) => compareIds(a.write.id, b.write.id))
    for (let at = 0; at < rows.length; at += 100) {
      await visit(
        rows.slice(at, at + 100).map(({ write, version, digest, createdAtMs, batch }) => {
          return { ...write, version, digest, createdAtMs, batch }
        }),
      )
    }
    return cut
  }

  async collectTombstones(beforeMs: number): Promise<number> {
    return this.#do('collectTombstones', () => ledger.collectTombstones(this.#world, beforeMs))
  }

  async pruneLedger(beforeMs: number): Promise<number> {
    return this.#do('pruneLedger', () => ledger.pruneLedger(this.#world, beforeMs))
  }

  /** One call, with whatever was arranged to happen to it. Synchronous inside, hence a transaction. */
  #do<T>(operation: ArchiveOperation, work: () => T): T {
    if (!this.#isOpen) throw new TierUnavailable('memory: the archive is not open')
    if (!this.#isAvailable) throw new TierUnavailable('memory: unavailable')
    const at = this.#failures.findIndex((failure) => failure.operation === operation)
    const [failure] = at < 0 ? [] : this.#failures.splice(at, 1)
    if (failure?.when === 'before') throw failure.error
    const result = work()
    if (failure !== undefined) throw failure.error
    return result
  }
}
