import { STRIPE_COUNT } from '@se/core/hash'
import type { ViewName } from '../observer/events.ts'
import type { Trust } from '../seam/trust.ts'

/** What the trust in each view is made of. */
export interface ViewEvidence {
  readonly tree: Trust
  readonly filter: Trust
  /** `undefined`: there is no cache. */
  readonly stripes:
    | {
        /** Stripes that may be asked. */
        readonly count: number
        /** What stands against the cache, or a part of it. */
        readonly failure: Error | undefined
      }
    | undefined
}

export type ViewTrusts = Readonly<Partial<Record<ViewName, Trust>>>

/** The cache is trusted as a whole while all its stripes may be asked, and the tree that they were compared with is right. Pure. */
export function trustOfViews({ tree, filter, stripes }: ViewEvidence): ViewTrusts {
  return stripes === undefined ? { tree, filter } : { tree, filter, cache: trustOfCache(tree, stripes) }
}

function trustOfCache(tree: Trust, { count, failure }: NonNullable<ViewEvidence['stripes']>): Trust {
  if (!tree.isTrusted) return { isTrusted: false, because: `the tree is untrusted: ${tree.because}` }
  if (count === STRIPE_COUNT) return { isTrusted: true }
  const why = failure === undefined ? '' : `: ${failure.message}`
  const because = `${STRIPE_COUNT - count} of ${STRIPE_COUNT} stripes are not at the heads${why}`
  return { isTrusted: false, because }
}
