import type { KeptItem } from '../kept-item.ts'

/** Which part gave an answer. `filter`: the trusted filter said that there is no such id. */
export type ReadSource = 'memory' | 'pending' | 'filter' | 'cache' | 'archive'

/** What a read found, and what it is worth [R8]. */
export interface ReadAnswer {
  readonly item: KeptItem | undefined
  readonly from: ReadSource
  /** It may be older than Δ: the archive could not be asked whether there is something newer. */
  readonly isStale: boolean
}

export function answerFrom(from: ReadSource, item: KeptItem | undefined, isStale = false): ReadAnswer {
  return { item, from, isStale }
}
