import type { ArchiveTier, LedgerTail } from '@se/core'
import type { CacheServer } from './tiers.ts'

/** A cache server with the dumps that were taken of it. */
export interface SimulatedCache {
  readonly server: CacheServer
  readonly dumps: unknown[]
  isAvailable: boolean
}

export function setAvailable(cache: SimulatedCache, isAvailable: boolean): void {
  cache.isAvailable = isAvailable
  cache.server.setAvailable(isAvailable)
}

/** What the ledger says of a stripe's way to the heads; `none`: the stripe has no meta. */
export type Way = 'known' | 'none' | (LedgerTail & { readonly kind: 'gap' })['because']

/** Of each stripe; `undefined`: the cache cannot say where its stripes stand. */
export async function waysOfStripes(
  { server }: Pick<SimulatedCache, 'server'>,
  archive: Pick<ArchiveTier, 'readTail'>,
): Promise<readonly Way[] | undefined> {
  const cuts = server.cuts?.()
  if (cuts === undefined) return undefined
  const ways: Way[] = []
  for (const cut of cuts) {
    if (cut === undefined) {
      ways.push('none')
      continue
    }
    const tail = await archive.readTail(cut)
    ways.push(tail.kind === 'gap' ? tail.because : 'known')
  }
  return ways
}
