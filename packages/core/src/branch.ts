import { InvalidConfig, InvalidInput } from './errors.ts'
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
 * @throws InvalidConfig on an empty, repeated or malformed prefix, on more than 255, or where there is no list
 */
export function createBranchSet(declared: readonly string[] = []): BranchSet {
  // A text is a list of characters, and would give a branch to each.
  if (!Array.isArray(declared)) {
    throw new InvalidConfig('branches', `must be a list of prefixes, not a ${typeof declared}`)
  }
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

/** What must be given where a branch set is asked for, for messages. */
export const BRANCH_SET_WANTED = 'a branch set, as createBranchSet makes it'

/** Whether a value is a branch set. A list of prefixes is none: two lists may number the same prefixes differently. */
export function isBranchSet(value: unknown): value is BranchSet {
  const { prefixes, branchOf } = (value ?? {}) as Partial<BranchSet>
  return Array.isArray(prefixes) && typeof branchOf === 'function'
}

/** @throws InvalidInput naming the field */
export function checkBranchSet(value: unknown, field = 'branches'): asserts value is BranchSet {
  if (isBranchSet(value)) return
  throw new InvalidInput(
    field,
    `must be ${BRANCH_SET_WANTED}, not ${Array.isArray(value) ? 'a list' : typeof value}`,
  )
}
