import { sequenceAt, type Cut } from '../cut.ts'
import { isNewer, type Stamp } from '../stamp.ts'
import type { CachePermit, CachePut, StoredLeaf } from '../cache-tier.ts'
import type { LedgerEntry, LedgerRow } from '../ledger.ts'
import { cutAt, linkOf } from './cuts.ts'

const ARCHIVE = 'abcdefabcdefabcdefabcdefabcdefab'

/** Ground truth of the model: the ledger, and by id the newest write. */
export class ModelArchive {
  readonly rows: LedgerRow[] = []
  readonly #newest = new Map<string, LedgerEntry>()

  commit(
    instance: number,
    writes: readonly { id: string; stamp: Stamp; isDelete: boolean }[],
  ): LedgerEntry[] {
    const entries = writes.flatMap(({ id, stamp, isDelete }) => {
      const previous = this.#newest.get(id)
      if (!isNewer(stamp, previous?.stamp)) return []
      const entry: LedgerEntry = {
        id,
        stamp,
        previousStamp: previous?.stamp,
        digest: isDelete ? undefined : digestOf(stamp),
        previousDigest: previous?.digest,
      }
      this.#newest.set(id, entry)
      return [entry]
    })
    const sequence = sequenceAt(this.heads(), instance) + 1
    const link = linkOf(instance, sequence)
    this.rows.push({ instance, sequence, link, kind: 'batch', committedAtMs: 0, entries })
    return entries
  }

  newest(id: string): LedgerEntry | undefined {
    return this.#newest.get(id)
  }

  heads(): Cut {
    const sequences = new Map<number, number>()
    for (const { instance, sequence } of this.rows) sequences.set(instance, sequence)
    return cutAt(ARCHIVE, sequences)
  }

  upTo(cut: Cut): LedgerRow[] {
    return this.rows.filter(({ instance, sequence }) => sequence <= sequenceAt(cut, instance))
  }

  beyond(cut: Cut): LedgerRow[] {
    return this.rows.filter(({ instance, sequence }) => sequence > sequenceAt(cut, instance))
  }
}

export function putOf(entry: LedgerEntry, permit: CachePermit | undefined, kind: CachePut['kind']): CachePut {
  const { id, stamp, digest: bytes } = entry
  return {
    write: { id, stamp, state: '', contentType: '', bytes },
    version: bytes === undefined ? 0 : 1,
    createdAtMs: 0,
    permit,
    kind,
  }
}

function digestOf({ time, instance }: Stamp): Uint8Array {
  return new Uint8Array(16).map((_, index) => time * 31 + instance * 7 + index)
}

export function showCut(cut: Cut): string {
  return [...cut.positions].map(([instance, { sequence }]) => `${instance}:${sequence}`).join(',') || '0'
}

export function showLeaves(leaves: readonly StoredLeaf[]): string {
  return leaves
    .map((leaf) => `${leaf.bucket}=${leaf.sums.join('.')}`)
    .sort()
    .join(' ')
}
