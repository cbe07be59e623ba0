import { formatCut, type BranchSet, type LeafAddress } from '@se/core'
import type { ViewName } from '../../observer.ts'
import type { VerifyPorts } from './ports.ts'

/** Most differences a report lists; all are counted. */
export const DIFFERENCES_LISTED_MAX = 100

/** Where a copy differs: an id where it is known, else the leaf (a branch's name and a bucket). */
export type Difference =
  | { readonly kind: 'id'; readonly id: string; readonly what: string }
  | { readonly kind: 'leaf'; readonly branch: string; readonly bucket: number; readonly what: string }

export interface ViewReport {
  readonly view: ViewName
  readonly isTrusted: boolean
  /** Why not, or what was compared. */
  readonly because: string
  /** Where it stands. */
  readonly cut: string
  /** Its digest: a root of 64 hex digits, or the filter's count and sum; empty when it cannot be read. */
  readonly digest: string
  readonly expected: string
  /** The first {@link DIFFERENCES_LISTED_MAX}. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  readonly repaired: number
}

export interface VerifyReport {
  /** Every view is trusted, and nothing differs that was not repaired. */
  readonly isTrusted: boolean
  readonly isDeep: boolean
  /** Rows digested anew; 0 unless deep. */
  readonly rowsRead: number
  readonly views: readonly ViewReport[]
  readonly durationMs: number
}

export function report(
  view: ViewName,
  { follower }: Pick<VerifyPorts, 'follower'>,
  found: Omit<ViewReport, 'view' | 'cut' | 'differenceCount'>,
): ViewReport {
  return {
    view,
    cut: formatCut(follower.cut),
    ...found,
    differences: found.differences.slice(0, DIFFERENCES_LISTED_MAX),
    differenceCount: found.differences.length,
  }
}

export function leafDifference(
  { branch, bucket }: LeafAddress,
  branches: BranchSet,
  what: string,
): Difference {
  return { kind: 'leaf', branch: branches.prefixes[branch] ?? '?', bucket, what }
}

/** `user.alice`, or `leaf user.#1234`. */
export function nameOf(difference: Difference): string {
  return difference.kind === 'id'
    ? difference.id
    : `leaf ${difference.branch || '(default)'}#${difference.bucket}`
}
