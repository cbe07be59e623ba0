import { formatCut, type ArchivedRow, type BranchSet, type Cut, type LeafAddress } from '@se/core'
import type { ViewName } from '../observer/events.ts'

/** Most differences a report lists; all are counted. */
export const DIFFERENCES_LISTED_MAX = 100

/** Where a copy differs: an id where it is known, else the leaf (a branch's name and a bucket). */
export type Difference =
  | { readonly kind: 'id'; readonly id: string; readonly what: string }
  | { readonly kind: 'leaf'; readonly branch: string; readonly bucket: number; readonly what: string }

/** A copy of a row that is not what the archive has. */
export interface WrongCopy {
  readonly id: string
  readonly what: string
}

/** A row without its bytes. */
export type RowDigest = Pick<ArchivedRow, 'id' | 'stamp' | 'digest'>

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

/** @param cut where the copy stands */
export function reportOn(
  view: ViewName,
  cut: Cut,
  found: Omit<ViewReport, 'view' | 'cut' | 'differenceCount'>,
): ViewReport {
  return {
    view,
    cut: formatCut(cut),
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
