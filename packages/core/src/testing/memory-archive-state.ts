import type { BranchSet } from '../branch.ts'
import type { Clock } from '../clock.ts'
import { LINK_NONE, type BatchPosition, type Position } from '../cut.ts'
import type { ItemWrite } from '../item.ts'
import { randomHex, type Random } from '../random.ts'
import type { LedgerRow, StoredTreePage } from '../ledger.ts'

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

export interface Row {
  readonly write: ItemWrite
  readonly version: number
  readonly digest: Uint8Array | undefined
  readonly createdAtMs: number
  readonly batch: BatchPosition
}

export interface Instance {
  readonly number: number
  epoch: number
  nonce: string
  lastSequence: number
  link: string
  prunedSequence: number
  prunedLink: string
  maxStampTime: number
  hasEnded: boolean
  seenAtMs: number
}

/** All that the archive holds; plain data, so that a backup is a clone. */
export interface State {
  readonly birthId: string
  archiveId: string
  /** Highest instance number ever given. */
  lastNumber: number
  digestKey: Uint8Array | undefined
  /** Prefixes of the stored branch set. */
  prefixes: readonly string[] | undefined
  collectionFloor: number
  rows: Map<string, Row>
  instances: Map<number, Instance>
  /** By instance, then sequence. */
  ledger: Map<number, Map<number, LedgerRow>>
  treePositions: Map<number, Position>
  pages: readonly StoredTreePage[]
}

/** What all peers share. */
export interface World {
  readonly options: MemoryArchiveOptions
  readonly clock: Pick<Clock, 'nowMs'>
  readonly random: Random
  state: State
}

export function newState(random: Random): State {
  const id = randomHex(random, 16)
  return {
    birthId: id,
    archiveId: id,
    lastNumber: 0,
    digestKey: undefined,
    prefixes: undefined,
    collectionFloor: 0,
    rows: new Map(),
    instances: new Map(),
    ledger: new Map(),
    treePositions: new Map(),
    pages: [],
  }
}

/** The archive's clock, ms. */
export function nowMsOf({ clock }: World): number {
  return Math.floor(clock.nowMs())
}

/** The archive's link at a sequence; `undefined`: pruned, or never there. */
export function linkOf(state: State, own: Instance, sequence: number): string | undefined {
  if (sequence === 0) return LINK_NONE
  if (sequence === own.lastSequence) return own.link
  if (sequence === own.prunedSequence) return own.prunedLink
  return state.ledger.get(own.number)?.get(sequence)?.link
}

/** Adds a row to an instance's ledger. */
export function append({ state }: World, own: Instance, row: LedgerRow): void {
  const ledger = state.ledger.get(own.number) ?? new Map<number, LedgerRow>()
  state.ledger.set(own.number, ledger.set(row.sequence, row))
  own.lastSequence = row.sequence
  own.link = row.link
}
