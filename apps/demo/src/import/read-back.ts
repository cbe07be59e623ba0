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
  const compare = async (chunk: readonly string[]) => {
    const items = await read(chunk)
    for (const [index, id] of chunk.entries()) {
      const item = items[index]
      if (item === undefined) missing.push(id)
      else if (isAsExpected(item.bytes, expected.get(id)!)) equal++
      else differing.push(id)
    }
    progress((done += chunk.length))
  }
  let chunk: string[] = []
  for (const id of ids) {
    if (chunk.push(id) < CHUNK_ITEMS) continue
    await compare(chunk)
    chunk = []
  }
  if (chunk.length > 0) await compare(chunk)
  return { equal, differing, missing }
}
