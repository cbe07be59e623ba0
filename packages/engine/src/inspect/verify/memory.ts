import { equalStamps, equalBytes, isNewer } from '@se/core'
import type { VerifyCall } from '../../call-options.ts'
import { stampOf } from '../../read/lower-tiers.ts'
import { reportOn, type RowDigest, type ViewReport, type WrongCopy } from '../../seam/view-report.ts'
import type { VerifyPorts } from './ports.ts'

const MEMORY_CHANGED = "the item in memory is not the row's"

/** Ids asked for at once. */
const IDS_MAX = 500

/** Compares items in memory with the rows of the same stamp; and finds those of which the archive has nothing as new. */
export class MemoryComparison {
  readonly #ports: Pick<VerifyPorts, 'archive' | 'memory' | 'digester'>
  readonly #compared = new Set<string>()
  readonly #wrong: WrongCopy[] = []

  constructor(ports: Pick<VerifyPorts, 'archive' | 'memory' | 'digester'>) {
    this.#ports = ports
  }

  /** Rows were read. */
  compare(rows: readonly RowDigest[]): void {
    const { memory, digester } = this.#ports
    for (const row of rows) {
      const item = memory.peek(row.id)?.item
      if (item === undefined || !equalStamps(item.stamp, row.stamp)) continue
      this.#compared.add(row.id)
      const isEqual = row.digest !== undefined && equalBytes(digester.digest(item), row.digest)
      if (!isEqual) this.#wrong.push({ id: row.id, what: MEMORY_CHANGED })
    }
  }

  /**
   * Items of which the archive has nothing as new: they were read from a history that it has lost, before the ledger had told of
   * them, so nothing else can notice [P65]. Call when all rows have been compared.
   */
  async findLost(): Promise<void> {
    const { memory, archive } = this.#ports
    const ids = [...memory.ids()].filter((id) => !this.#compared.has(id))
    for (let at = 0; at < ids.length; at += IDS_MAX) {
      // What is clean now the archive has had by now: asked after that, it has it, or something newer.
      const clean = ids.slice(at, at + IDS_MAX).flatMap((id) => {
        const entry = memory.peek(id)
        return entry === undefined || entry.isPinned ? [] : [entry.item]
      })
      const lookups = await archive.getMany(clean.map(({ id }) => id))
      for (const [index, { id, stamp }] of clean.entries()) {
        const lookup = lookups[index]!
        const now = memory.peek(id)?.item
        if (lookup.kind === 'unknown' || now === undefined || !equalStamps(now.stamp, stamp)) continue
        if (isNewer(stamp, stampOf(lookup))) {
          this.#wrong.push({ id, what: 'the item in memory is newer than anything that the archive has' })
        }
      }
    }
  }

  report({ followed }: Pick<VerifyPorts, 'followed'>, { repair }: VerifyCall): ViewReport {
    const { memory } = this.#ports
    // What is dropped is read again from below.
    const repaired = repair ? this.#wrong.filter(({ id }) => memory.drop(id)).length : 0
    const count = this.#wrong.length
    const changed = this.#wrong.filter(({ what }) => what === MEMORY_CHANGED).length
    const compared = this.#compared.size
    return reportOn('memory', followed.cut, {
      isTrusted: count === 0 || repair,
      because:
        count === 0 ? 'every item equals the row of its stamp' : `${count} items differ from their rows`,
      digest: `${compared - changed} items equal their rows`,
      expected: `${compared} items equal their rows`,
      differences: this.#wrong.map(({ id, what }) => ({ kind: 'id', id, what })),
      repaired,
    })
  }
}
