import type { ArchiveTier, LedgerTail } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import type { MemoryCacheServer, StripeSnapshot } from '@se/core/testing'

/** A cache server with the dumps that were taken of it. */
export interface SimulatedCache {
  readonly server: MemoryCacheServer
  readonly dumps: (readonly StripeSnapshot[])[]
  isAvailable: boolean
}

export function setAvailable(cache: SimulatedCache, isAvailable: boolean): void {
  cache.isAvailable = isAvailable
  cache.server.setAvailable(isAvailable)
}

export function dumpOf(server: MemoryCacheServer): StripeSnapshot[] {
  return Array.from({ length: STRIPE_COUNT }, (_, stripe) => server.snapshot(stripe))
}

/** What the ledger says of a stripe's way to the heads; `none`: the stripe has no meta. */
export type Way = 'known' | 'none' | (LedgerTail & { readonly kind: 'gap' })['because']

/** Of each stripe. */
export async function waysOfStripes(
  { server }: Pick<SimulatedCache, 'server'>,
  archive: Pick<ArchiveTier, 'readTail'>,
): Promise<Way[]> {
  const ways: Way[] = []
  for (const { spaces } of dumpOf(server)) {
    const [space] = spaces.values()
    const meta = space?.metas[0]
    if (meta === undefined || meta === 'another type') {
      ways.push('none')
      continue
    }
    const tail = await archive.readTail(meta.cut)
    ways.push(tail.kind === 'gap' ? tail.because : 'known')
  }
  return ways
}
