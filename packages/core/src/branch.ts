import { InvalidConfig } from './errors.ts'
import { checkId, compareIds } from './item.ts'

/** Most branches an archive can declare, the default one included. */
export const BRANCHES_MAX = 256

/**
 * A declared set of id prefixes, each with a tree of its own. Branch 0 is the default branch and holds
 * every id that no prefix matches; the others follow in byte order of their prefix, so that the same set
 * always gives the same numbers.
 */
export interface BranchSet {
  /** Prefixes by branch number; `prefixes[0]` is `''`. */
  readonly prefixes: readonly string[]
  /** Number of the branch with the longest matching prefix; 0 when none matches. */
  branchOf(id: string): number
}

/**
 * @param declared prefixes such as `user.`; order does not matter
 * @throws InvalidConfig on an empty, repeated or malformed prefix, or more than 255
 */
export function createBranchSet(declared: readonly string[] = []): BranchSet {
  if (declared.length >= BRANCHES_MAX) {
    throw new InvalidConfig('branches', `has ${declared.length} prefixes, the limit is ${BRANCHES_MAX - 1}`, {
      limit: BRANCHES_MAX - 1,
    })
  }
  for (const prefix of declared) {
    try {
      checkId(prefix, 'branches')
    } catch (cause) {
      throw new InvalidConfig('branches', cause instanceof Error ? cause.message : String(cause))
    }
  }
  if (new Set(declared).size !== declared.length) throw new InvalidConfig('branches', 'names a prefix twice')
  const sorted = [...declared].sort(compareIds)
  const prefixes = Object.freeze(['', ...sorted])
  const longestFirst = sorted
    .map((prefix, index) => ({ prefix, branch: index + 1 }))
    .sort((a, b) => b.prefix.length - a.prefix.length)
  return {
    prefixes,
    branchOf(id) {
      for (const { prefix, branch } of longestFirst) if (id.startsWith(prefix)) return branch
      return 0
    },
  }
}
