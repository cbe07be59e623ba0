import { encodeCut, type ArchiveTier, type Cut, type LedgerTail } from '@se/core'
import type { LedgerFollower } from './ledger-follower.ts'

/** Reads of the ledger by the cut they begin at: nearly always one cut for all stripes, so one read serves all. */
export interface LedgerTails {
  from(cut: Cut): Promise<LedgerTail>
}

/** @param recent what was read a moment ago: with the follower, and the heads that a tail must reach to be of use */
export function createTails(
  archive: Pick<ArchiveTier, 'readTail'>,
  recent?: { readonly follower: Pick<LedgerFollower, 'recentTail'>; readonly heads: Cut },
): LedgerTails {
  const tails = new Map<string, Promise<LedgerTail>>()
  return {
    from(cut) {
      const key = encodeCut(cut)
      let tail = tails.get(key)
      if (tail === undefined) {
        const known = recent?.follower.recentTail(cut, recent.heads)
        tail = known === undefined ? archive.readTail(cut) : Promise.resolve(known)
        tails.set(key, tail)
      }
      return tail
    },
  }
}
