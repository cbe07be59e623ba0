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
  follower,
  cacheView,
  poll,
}: Pick<EngineParts, 'follower' | 'cacheView' | 'poll'>): Promise<Roots> {
  await poll.now()
  if (cacheView?.isAttached !== true) {
    const agree = cacheView === undefined
    return { cut: encodeCut(follower.cut), archive: follower.tree.root(), cache: undefined, agree }
  }
  const { cut, archive, cache } = await cacheView.readRoots()
  return { cut: encodeCut(cut), archive, cache, agree: cache === archive }
}
