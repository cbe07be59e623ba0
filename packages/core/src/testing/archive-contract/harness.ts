import { ok, strictEqual as equal } from 'node:assert/strict'
import { createBranchSet, type BranchSet } from '../../branch.ts'
import { equalCuts, type Cut } from '../../cut.ts'
import type { ItemWrite } from '../../item.ts'
import { stampTimeOf, type Stamp } from '../../stamp.ts'
import type {
  ArchiveDescription,
  ArchivedRow,
  ArchiveTier,
  ArchiveUpkeep,
  CommittedBatch,
  CompleteArchiveTier,
  InstanceClaim,
  InstanceMemory,
} from '../../archive-tier.ts'
import type { LedgerRow, StoredTreePage } from '../../ledger.ts'
import type { Lookup } from '../../lookup.ts'
import type { ValueWrite } from '../memory-archive-state.ts'

/** What an adapter's test brings: one new, empty archive for one case. */
export interface ArchiveHarness {
  /** Not yet opened; the case opens and closes it. */
  readonly archive: CompleteArchiveTier
  /** Another process' connection; absent where the archive is exclusive. */
  readonly peer?: CompleteArchiveTier
  /**
   * Copies the whole archive as it is now.
   *
   * @returns puts it back to that state; `archive` is open before and after
   */
  backup(): Promise<() => Promise<void>>
  /** Digest of a live row, as the archive must compute it. */
  digestRow(row: ValueWrite, digestKey: Uint8Array | undefined): Uint8Array
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
  /** Optional powers it is about: an archive that lacks one of them leaves the case out. */
  readonly needs?: readonly (keyof ArchiveUpkeep)[]
  run(harness: ArchiveHarness): Promise<void>
}

export const BRANCHES = createBranchSet(['user.', 'user.admin.'])
export const text: { encode(text: string): Uint8Array } = new TextEncoder()

/** One log directory at work: what it remembers, and the batches it sends. A case changes the fields to play a copy or a restore. */
export class Writer {
  readonly archive: CompleteArchiveTier
  claim: InstanceClaim
  /** The name it has claimed under. */
  nonce: string
  /** Of the last batch it has sent. */
  sequence: number
  readonly #links = new Map<number, string>()
  #time: number

  constructor(archive: CompleteArchiveTier, claim: InstanceClaim, nonce: string, nowMs: number) {
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

  /** Sends the writes as the next batch. */
  put(...writes: readonly ItemWrite[]): Promise<CommittedBatch> {
    this.sequence += 1
    return this.send(this.sequence, writes)
  }

  send(sequence: number, writes: readonly ItemWrite[]): Promise<CommittedBatch> {
    return this.archive.putBatch({ claim: this.claim, sequence, link: this.linkAt(sequence), writes })
  }

  /** Drawn once for each sequence. */
  linkAt(sequence: number): string {
    let link = sequence === this.claim.lastSequence ? this.claim.lastLink : this.#links.get(sequence)
    if (link === undefined) this.#links.set(sequence, (link = newLink()))
    return link
  }

  /** What the directory remembers, as a claim takes it. */
  memory(): InstanceMemory {
    const { instance, epoch, birthId, archiveId } = this.claim
    const { sequence: lastSequence } = this
    return { birthId, archiveId, instance, epoch, lastSequence, lastLink: this.linkAt(lastSequence) }
  }
}

let nonceCount = 0
export function newNonce(): string {
  nonceCount += 1
  return nonceCount.toString(16).padStart(32, '0')
}

let linkCount = 0
function newLink(): string {
  linkCount += 1
  return linkCount.toString(16).padStart(16, '0')
}

export async function newWriter(archive: CompleteArchiveTier): Promise<Writer> {
  const nonce = newNonce()
  const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
  return new Writer(archive, claim, nonce, (await archive.readHeads()).nowMs)
}

export function write(
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

export function itemOf(lookup: Lookup) {
  ok(lookup.kind === 'found', `expected an item, got ${lookup.kind}`)
  return lookup.item
}

/** The value of an item that is there, as text. */
export async function textOf(archive: ArchiveTier, id: string): Promise<string> {
  return Buffer.from(itemOf(await archive.get(id)).bytes).toString()
}

export async function allRows(archive: ArchiveTier): Promise<{ rows: ArchivedRow[]; cut: Cut }> {
  const rows: ArchivedRow[] = []
  const cut = await archive.scanRows((chunk) => void rows.push(...chunk))
  return { rows, cut }
}

export async function tailRows(archive: ArchiveTier, from: Cut): Promise<readonly LedgerRow[]> {
  const tail = await archive.readTail(from)
  ok(tail.kind === 'rows', `expected rows, got a gap: ${tail.kind === 'gap' ? tail.because : ''}`)
  return tail.rows
}

export async function emptyCut(archive: ArchiveTier): Promise<Cut> {
  return { archiveId: (await archive.readHeads()).cut.archiveId, positions: new Map() }
}

/** Tree as stored, tree as the rows give it, at the same cut. */
export async function checkTree(harness: ArchiveHarness): Promise<void> {
  const { archive } = harness
  const stored = await archive.readTree()
  ok(stored.tail.kind === 'rows', 'the way from the pages to the heads is known')
  const { rows, cut } = await allRows(archive)
  ok(equalCuts(cut, stored.tail.heads.cut), 'nobody wrote meanwhile')
  equal(harness.rootOfPages(stored.pages, stored.tail.rows, BRANCHES), harness.rootOfRows(rows, BRANCHES))
}

type Body = (harness: ArchiveHarness, writer: Writer, description: ArchiveDescription) => Promise<void>

/** A case with the archive open and one instance claimed. */
export function withWriter(
  title: string,
  body: Body,
  needs: readonly (keyof ArchiveUpkeep)[] = [],
): ArchiveContractCase {
  return {
    title,
    needs,
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
