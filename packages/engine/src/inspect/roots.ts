import { encodeCut } from '@se/core'
import type { EngineParts } from '../lifecycle/assemble.ts'

/** Roots of archive and cache, each 64 hex digits, at one cut. */
export interface Roots {
  /** As `encodeCut` of `@se/core` writes it. */
  readonly cut: string
  readonly archive: string
  /** `undefined`: there is no cache, or it, or one of its stripes, cannot be compared. */
  readonly cache: string | undefined
  /** False where a cache says something else, or cannot be compared; true where there is none. */
  readonly agree: boolean
}

/** The stripes of the cache are compared at the cut of the archive's root, also while others write. */
export async function readRoots({
  back,
  poll,
  stripes,
}: Pick<EngineParts, 'back' | 'poll' | 'stripes'>): Promise<Roots> {
  await poll.now()
  const { cut, archive, cache } = await back.ask('roots', {})
  return { cut: encodeCut(cut), archive, cache, agree: stripes === undefined || cache === archive }
}
