import { encodeCut, type ArchiveTier, type Cut, type LedgerTail } from '@se/core'

/** Reads of the ledger by the cut they begin at: nearly always one cut for all stripes, so one read serves all. */
export interface LedgerTails {
  from(cut: Cut): Promise<LedgerTail>
}

export function createTails(archive: Pick<ArchiveTier, 'readTail'>): LedgerTails {
  const tails = new Map<string, Promise<LedgerTail>>()
  return {
    from(cut) {
      const key = encodeCut(cut)
      let tail = tails.get(key)
      if (tail === undefined) tails.set(key, (tail = archive.readTail(cut)))
      return tail
    },
  }
}
