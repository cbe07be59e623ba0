import type { StoredItem } from '@se/core'
import { isAsExpected, type ExpectedItem } from './expected-items.ts'

/** What reading every item from one tier found. */
export interface ReadBack {
  readonly equal: number
  /** Ids with other bytes than were given. */
  readonly differing: readonly string[]
  readonly missing: readonly string[]
}

const CHUNK_ITEMS = 1_000

/**
 * Reads every id from one tier and compares its bytes.
 *
 * @param read answers in the order of the ids; `undefined`: the tier does not have it
 * @param progress told how many have been read
 */
export async function readBack(
  ids: Iterable<string>,
  expected: ReadonlyMap<string, ExpectedItem>,
  read: (ids: readonly string[]) => Promise<readonly (StoredItem | undefined)[]>,
  progress: (items: number) => void,
): Promise<ReadBack> {
  const differing: string[] = []
  const missing: string[] = []
  let equal = 0
  let done = 0
  for (const chunk of chunksOf(ids, CHUNK_ITEMS)) {
    const items = await read(chunk)
    for (const [index, id] of chunk.entries()) {
      const item = items[index]
      if (item === undefined) missing.push(id)
      else if (isAsExpected(item.bytes, expected.get(id)!)) equal++
      else differing.push(id)
    }
    done += chunk.length
    progress(done)
  }
  return { equal, differing, missing }
}

/** Lists of `size`; the last may be shorter, and none is empty. */
function* chunksOf<T>(values: Iterable<T>, size: number): Generator<readonly T[]> {
  let chunk: T[] = []
  for (const value of values) {
    if (chunk.push(value) < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
