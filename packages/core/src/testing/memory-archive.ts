import { createBranchSet, type BranchSet } from '../branch.ts'
import type { Clock } from '../clock.ts'
import { sequenceAt, type Cut } from '../cut.ts'
import {
  ArchiveMismatch,
  ArchiveRefusedData,
  BranchMismatch,
  InstanceFenced,
  InvalidInput,
  TierUnavailable,
} from '../errors.ts'
import { invariant } from '../invariant.ts'
import { checkContentType, checkId, checkState, compareIds, type ItemWrite } from '../item.ts'
import { systemClock } from '../node/system-clock.ts'
import { systemRandom } from '../node/system-random.ts'
import type { Random } from '../random.ts'
import { compareStamps, stampMs, stampTimeOf } from '../stamp.ts'
import type {
  ArchiveBatch,
  ArchivedRow,
  ArchiveDescription,
  ArchiveOpenOptions,
  ArchiveTier,
  BatchReceipt,
  ClaimRequest,
  Heads,
  InstanceClaim,
  LedgerEntry,
  LedgerRow,
  LedgerTail,
  Lookup,
  StoredTree,
  StoredTreePage,
  WriteOutcome,
} from '../tier.ts'

/** A write that has a value: the only kind that has a digest. */
export type ValueWrite = ItemWrite & { readonly bytes: Uint8Array }

export interface MemoryArchiveOptions {
  /**
   * Digest of a row, 16 bytes. Core knows no digests: pass `createRowDigester(key).digest` of `@se/merkle`, or
   * any function that differs where rows differ.
   */
  digestRow(write: ValueWrite, digestKey: Uint8Array | undefined): Uint8Array
  /** Adds ledger rows to tree pages: with `@se/merkle`, `setPage` all pages, `apply` all entries, list the pages. */
  foldPages(
    pages: readonly StoredTreePage[],
    rows: readonly LedgerRow[],
    branches: BranchSet,
  ): readonly StoredTreePage[]
  /** The archive's clock. Default: the machine's. */
  readonly clock?: Pick<Clock, 'nowMs'>
  readonly random?: Random
  /** What `open` says; nothing is locked. Default false. */
  readonly isExclusive?: boolean
}

/** Methods of the tier that can be made to fail. */
export type ArchiveOperation = Exclude<keyof ArchiveTier, 'backend' | 'close'>

/**
 * An archive in memory with the semantics of the real ones (it passes the same contract), and with switches
 * for what tests need to happen to it.
 */
export interface MemoryArchive extends ArchiveTier {
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
  /** Told of each batch as it is committed, by whichever peer; one listener for all of them. */
  onCommit(listener: (row: LedgerRow) => void): void
}

/** Opaque. */
export interface MemoryArchiveBackup {
  readonly state: State
}

interface Row {
  readonly write: ItemWrite
  readonly version: number
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
}

interface Instance {
  readonly number: number
  epoch: number
  nonce: string
  lastSequence: number
  prunedSequence: number
  maxStampTime: number
}

interface State {
  archiveId: string
  formerIds: string[]
  digestKey: Uint8Array | undefined
  branches: readonly string[] | undefined
  collectionFloor: number
  rows: Map<string, Row>
  instances: Map<number, Instance>
  /** By instance, then sequence. */
  ledger: Map<number, Map<number, LedgerRow>>
  treeSequences: Map<number, number>
  pages: readonly StoredTreePage[]
}

/** What all peers share. */
interface World {
  readonly options: MemoryArchiveOptions
  readonly clock: Pick<Clock, 'nowMs'>
  readonly random: Random
  state: State
  onCommit: ((row: LedgerRow) => void) | undefined
}

const STAMP_AHEAD_MS_MAX = 1_000

export function memoryArchive(options: MemoryArchiveOptions): MemoryArchive {
  const random = options.random ?? systemRandom
  const state: State = {
    archiveId: hex(random.bytes(16)),
    formerIds: [],
    digestKey: undefined,
    branches: undefined,
    collectionFloor: 0,
    rows: new Map(),
    instances: new Map(),
    ledger: new Map(),
    treeSequences: new Map(),
    pages: [],
  }
  return new MemoryArchiveHandle({ options, clock: options.clock ?? systemClock, random, state, onCommit: undefined })
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

  onCommit(listener: (row: LedgerRow) => void): void {
    this.#world.onCommit = listener
  }

  async open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    this.#isOpen = true
    try {
      return this.#do('open', () => {
        const { state, random } = this.#world
        const { prefixes } = createBranchSet(options.branches)
        if (state.branches === undefined) {
          state.branches = prefixes
          state.digestKey = options.digests === 'keyed' ? random.bytes(16) : undefined
        }
        if (JSON.stringify(state.branches) !== JSON.stringify(prefixes)) {
          throw new BranchMismatch('the archive was made with another set of branches')
        }
        return {
          archiveId: state.archiveId,
          digestKey: state.digestKey,
          branches: state.branches,
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
    return this.#do('claimInstance', () => this.#claim(request))
  }

  async putBatch(batch: ArchiveBatch): Promise<BatchReceipt> {
    return this.#do('putBatch', () => this.#put(batch))
  }

  async get(id: string): Promise<Lookup> {
    try {
      return this.#do('get', () => this.#lookup(id))
    } catch (cause) {
      return { kind: 'unknown', because: 'disconnected', cause }
    }
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return []
    try {
      return this.#do('getMany', () => ids.map((id) => this.#lookup(id)))
    } catch (cause) {
      return ids.map(() => ({ kind: 'unknown', because: 'disconnected', cause }))
    }
  }

  async readHeads(): Promise<Heads> {
    return this.#do('readHeads', () => this.#heads())
  }

  async readTail(from: Cut): Promise<LedgerTail> {
    return this.#do('readTail', () => this.#tail(from))
  }

  async readTree(): Promise<StoredTree> {
    return this.#do('readTree', () => {
      const { state } = this.#world
      const cut: Cut = { archiveId: state.archiveId, sequences: new Map(state.treeSequences) }
      return { cut, pages: state.pages, tail: this.#tail(cut) }
    })
  }

  async foldTree(): Promise<number> {
    return this.#do('foldTree', () => this.#fold())
  }

  async scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    return this.#do('scanIds', () => {
      const ids = [...this.#world.state.rows.values()]
        .filter(({ write }) => write.bytes !== undefined)
        .map(({ write }) => write.id)
      if (ids.length > 0) visit(ids)
      return this.#heads().cut
    })
  }

  async scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    const { rows, cut } = this.#do('scanRows', () => ({
      rows: [...this.#world.state.rows.values()],
      cut: this.#heads().cut,
    }))
    rows.sort((a, b) => compareIds(a.write.id, b.write.id))
    for (let at = 0; at < rows.length; at += 100) {
      await visit(
        rows
          .slice(at, at + 100)
          .map(({ write, version, digest, createdAtMs }) => ({ ...write, version, digest, createdAtMs })),
      )
    }
    return cut
  }

  async collectTombstones(beforeMs: number): Promise<number> {
    return this.#do('collectTombstones', () => {
      const { state } = this.#world
      if (!(Number.isInteger(beforeMs) && beforeMs > 0 && beforeMs <= this.#nowMs())) {
        throw new InvalidInput(
          'beforeMs',
          'must be an integer above 0 and not after the clock of the archive',
        )
      }
      const floor = stampTimeOf(beforeMs) - 1
      state.collectionFloor = Math.max(state.collectionFloor, floor)
      let removedCount = 0
      for (const [id, { write }] of state.rows) {
        if (write.bytes !== undefined || write.stamp.time > floor) continue
        state.rows.delete(id)
        removedCount += 1
      }
      return removedCount
    })
  }

  async pruneLedger(beforeMs: number): Promise<number> {
    return this.#do('pruneLedger', () => {
      const { state } = this.#world
      let removedCount = 0
      for (const instance of state.instances.values()) {
        const rows = state.ledger.get(instance.number)
        for (;;) {
          const row = rows?.get(instance.prunedSequence + 1)
          if (row === undefined || row.committedAtMs >= beforeMs) break
          if (row.sequence > (state.treeSequences.get(instance.number) ?? 0)) break
          rows?.delete(row.sequence)
          instance.prunedSequence = row.sequence
          removedCount += 1
        }
      }
      return removedCount
    })
  }

  #claim(request: ClaimRequest): InstanceClaim {
    const { state } = this.#world
    const { memory, nonce } = request
    const nonces = new Set([...request.knownNonces, nonce])
    const named = [...state.instances.values()].find((instance) => nonces.has(instance.nonce))
    if (memory === undefined) {
      const own = named ?? this.#newInstance()
      return this.#grant(own, own.epoch + 1, own.lastSequence, nonce, false)
    }
    const isOfFormerId = memory.archiveId !== state.archiveId
    if (isOfFormerId && !state.formerIds.includes(memory.archiveId)) {
      throw new ArchiveMismatch('the log directory belongs to another archive')
    }
    if (named !== undefined) {
      const remembered = named.number === memory.instance ? memory : { epoch: 0, lastSequence: 0 }
      const isBehind = named.epoch < remembered.epoch || named.lastSequence < remembered.lastSequence
      const epoch = Math.max(named.epoch, remembered.epoch) + 1
      const lastSequence = Math.max(named.lastSequence, remembered.lastSequence)
      if (isBehind) this.#replaceArchiveId(named, lastSequence)
      return this.#grant(named, epoch, lastSequence, nonce, isBehind || isOfFormerId)
    }
    const numbered = state.instances.get(memory.instance)
    if (numbered === undefined) {
      const own = this.#newInstance(memory.instance)
      this.#replaceArchiveId(own, memory.lastSequence)
      return this.#grant(own, memory.epoch + 1, memory.lastSequence, nonce, true)
    }
    if (numbered.epoch > memory.epoch && !isOfFormerId) {
      throw new InstanceFenced('another log directory has claimed this instance')
    }
    const own = this.#newInstance()
    if (!isOfFormerId) this.#replaceArchiveId(own, 0)
    return this.#grant(own, 1, 0, nonce, true)
  }

  #newInstance(number?: number): Instance {
    const { instances } = this.#world.state
    const instance: Instance = {
      number: number ?? Math.max(0, ...instances.keys()) + 1,
      epoch: 0,
      nonce: '',
      lastSequence: 0,
      prunedSequence: 0,
      maxStampTime: 0,
    }
    instances.set(instance.number, instance)
    return instance
  }

  #grant(
    own: Instance,
    epoch: number,
    lastSequence: number,
    nonce: string,
    isRestored: boolean,
  ): InstanceClaim {
    Object.assign(own, { epoch, lastSequence, nonce })
    const { number: instance, maxStampTime } = own
    const { archiveId } = this.#world.state
    return { instance, epoch, lastSequence, maxStampTime, archiveId, isRestored }
  }

  /** The archive has gone back: what was known of it is void, and the sequences lost are not used again. */
  #replaceArchiveId(own: Instance, lastSequence: number): void {
    const { state, random } = this.#world
    this.#fold()
    own.prunedSequence = lastSequence
    state.treeSequences.set(own.number, lastSequence)
    state.formerIds.push(state.archiveId)
    state.archiveId = hex(random.bytes(16))
  }

  #put({ claim, sequence, writes }: ArchiveBatch): BatchReceipt {
    const { state, options } = this.#world
    const own = state.instances.get(claim.instance)
    invariant(writes.length > 0, 'a batch has at least one write')
    invariant(new Set(writes.map(({ id }) => id)).size === writes.length, 'ids of a batch are unique')
    if (own === undefined || own.epoch !== claim.epoch || own.lastSequence < sequence - 1) {
      throw new InstanceFenced('another process has taken the instance over, or the archive has gone back')
    }
    for (const write of writes) refuseUnstorable(write)
    if (own.lastSequence >= sequence) {
      const row = state.ledger.get(claim.instance)?.get(sequence)
      return { sequence, outcomes: writes.map((write) => this.#settled(write, row)), wasSettled: true }
    }
    const nowMs = this.#nowMs()
    const entries: LedgerEntry[] = []
    const outcomes = writes.map((write): WriteOutcome => {
      const before = state.rows.get(write.id)
      const loss = this.#lossOf(write, before, nowMs)
      if (loss !== undefined) return loss
      const { bytes } = write
      const digest = bytes === undefined ? undefined : options.digestRow({ ...write, bytes }, state.digestKey)
      const wasLive = before !== undefined && before.write.bytes !== undefined
      const isKept = before !== undefined && (wasLive || bytes === undefined)
      const createdAtMs = isKept ? before.createdAtMs : stampMs(write.stamp)
      const version = (before?.version ?? 0) + 1
      const kept: ItemWrite = { ...write, bytes: bytes === undefined ? undefined : new Uint8Array(bytes) }
      state.rows.set(write.id, { write: kept, version, digest, createdAtMs })
      const { id, stamp } = write
      entries.push({ id, stamp, previousStamp: before?.write.stamp, digest, previousDigest: before?.digest })
      own.maxStampTime = Math.max(own.maxStampTime, stamp.time)
      return { kind: 'won', version, createdAtMs, wasLive }
    })
    entries.sort((a, b) => compareIds(a.id, b.id))
    const row: LedgerRow = { instance: own.number, sequence, kind: 'batch', committedAtMs: nowMs, entries }
    const ledger = state.ledger.get(own.number) ?? new Map<number, LedgerRow>()
    state.ledger.set(own.number, ledger.set(sequence, row))
    own.lastSequence = sequence
    this.#world.onCommit?.(row)
    return { sequence, outcomes, wasSettled: false }
  }

  #lossOf(write: ItemWrite, before: Row | undefined, nowMs: number): WriteOutcome | undefined {
    const { collectionFloor } = this.#world.state
    if (before === undefined && write.stamp.time <= collectionFloor) {
      return { kind: 'refused', because: 'below-collection-floor' }
    }
    if (before !== undefined) {
      const order = compareStamps(write.stamp, before.write.stamp)
      if (order === 0) return { kind: 'held', version: before.version, createdAtMs: before.createdAtMs }
      if (order < 0) return { kind: 'superseded', by: before.write.stamp }
    }
    if (stampMs(write.stamp) <= nowMs + STAMP_AHEAD_MS_MAX) return undefined
    return { kind: 'refused', because: 'stamp-ahead-of-archive' }
  }

  #settled(write: ItemWrite, row: LedgerRow | undefined): WriteOutcome {
    const { rows, collectionFloor } = this.#world.state
    const entry = row?.entries.find(({ id }) => id === write.id)
    const now = rows.get(write.id)
    const order = now === undefined ? 1 : compareStamps(write.stamp, now.write.stamp)
    if (now !== undefined && order < 0) return { kind: 'superseded', by: now.write.stamp }
    if (now !== undefined && order === 0) {
      const { version, createdAtMs } = now
      if (entry === undefined) return { kind: 'held', version, createdAtMs }
      return { kind: 'won', version, createdAtMs, wasLive: entry.previousDigest !== undefined }
    }
    if (entry !== undefined) return { kind: 'held', version: 0, createdAtMs: stampMs(write.stamp) }
    const isBelow = write.stamp.time <= collectionFloor
    return { kind: 'refused', because: isBelow ? 'below-collection-floor' : 'stamp-ahead-of-archive' }
  }

  #lookup(id: string): Lookup {
    const row = this.#world.state.rows.get(id)
    if (row === undefined) return { kind: 'absent' }
    const { stamp, state, contentType, bytes } = row.write
    if (bytes === undefined) return { kind: 'absent', tombstone: stamp }
    const { version, createdAtMs } = row
    const updatedAtMs = stampMs(stamp)
    return {
      kind: 'found',
      item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
    }
  }

  #heads(): Heads {
    const { archiveId, instances } = this.#world.state
    const sequences = new Map<number, number>()
    const prunedSequences = new Map<number, number>()
    for (const { number, lastSequence, prunedSequence } of instances.values()) {
      if (lastSequence > 0) sequences.set(number, lastSequence)
      if (prunedSequence > 0) prunedSequences.set(number, prunedSequence)
    }
    return { cut: { archiveId, sequences }, prunedSequences, nowMs: this.#nowMs() }
  }

  #tail(from: Cut): LedgerTail {
    const heads = this.#heads()
    if (from.archiveId !== heads.cut.archiveId) return { kind: 'gap', heads, because: 'another-archive' }
    for (const [instance, sequence] of from.sequences) {
      if (sequence > sequenceAt(heads.cut, instance)) return { kind: 'gap', heads, because: 'ahead-of-heads' }
    }
    for (const [instance, pruned] of heads.prunedSequences) {
      if (sequenceAt(from, instance) < pruned) return { kind: 'gap', heads, because: 'pruned' }
    }
    return { kind: 'rows', heads, rows: this.#rowsBetween(from.sequences, heads.cut.sequences) }
  }

  #rowsBetween(from: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>): LedgerRow[] {
    const rows: LedgerRow[] = []
    for (const [instance, last] of [...to].sort(([a], [b]) => a - b)) {
      for (let sequence = (from.get(instance) ?? 0) + 1; sequence <= last; sequence++) {
        const row = this.#world.state.ledger.get(instance)?.get(sequence)
        if (row !== undefined) rows.push(row)
      }
    }
    return rows
  }

  #fold(): number {
    const { state, options } = this.#world
    const { sequences } = this.#heads().cut
    const rows = this.#rowsBetween(state.treeSequences, sequences)
    if (rows.length === 0) return 0
    state.pages = options.foldPages(state.pages, rows, createBranchSet((state.branches ?? ['']).slice(1)))
    state.treeSequences = new Map(sequences)
    return rows.length
  }

  #nowMs(): number {
    return Math.floor(this.#world.clock.nowMs())
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

/** @throws ArchiveRefusedData when a column could not hold the write */
function refuseUnstorable(write: ItemWrite): void {
  try {
    checkId(write.id)
    checkState(write.state)
    checkContentType(write.contentType)
  } catch (cause) {
    throw new ArchiveRefusedData('memory: the write can never be stored', { cause })
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
