import type { Consistency } from '../call-options.ts'
import type { FreshnessState } from '../views/freshness.ts'

/** Which parts may answer a read, decided once when it begins. L2 and L3 come after them, by what each stripe is worth. */
export interface Route {
  /** Memory may answer. */
  readonly memory: boolean
  /** An item that was read below memory may be memory's own copy of that very write, whose value is parsed already. */
  readonly sharesWithMemory: boolean
  /**
   * An own write that the archive does not have yet: `answers`; `asks`: the archive is asked first whether it has something newer,
   * for no longer than Δ; `compares`: the archive must answer, and the newer of the two is given.
   */
  readonly pending: 'answers' | 'asks' | 'compares'
  /** The trusted filter may say that there is no such id. */
  readonly filter: boolean
}

const FRESH: Readonly<Record<Consistency, Route>> = Object.freeze({
  local: Object.freeze({ memory: true, sharesWithMemory: true, pending: 'answers', filter: true }),
  shared: Object.freeze({ memory: false, sharesWithMemory: false, pending: 'answers', filter: true }),
  source: Object.freeze({ memory: false, sharesWithMemory: false, pending: 'compares', filter: false }),
})

/** What this process knows may be older than Δ: it decides nothing by itself [R5]. */
const NOT_FRESH: Readonly<Record<Consistency, Route>> = Object.freeze({
  local: Object.freeze({ memory: false, sharesWithMemory: true, pending: 'asks', filter: false }),
  shared: Object.freeze({ memory: false, sharesWithMemory: false, pending: 'asks', filter: false }),
  source: FRESH.source,
})

/**
 *   consistency   fresh                            stale, unknown
 *   local         memory, pending, filter          pending once the archive was asked
 *   shared        pending, filter                  pending once the archive was asked
 *   source        the newer of pending and L3      the newer of pending and L3
 */
export function routeOf(consistency: Consistency, freshness: FreshnessState): Route {
  return (freshness === 'fresh' ? FRESH : NOT_FRESH)[consistency]
}
