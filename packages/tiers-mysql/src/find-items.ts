import type { FoundRow } from './backend.ts'
import { ANSWER_BYTES_MAX, idParts, partsOfBytes, type StatementLimits } from './statement-sizes.ts'

/** A row as the first question answers: whole, or with the length of a value that was left out. */
export interface FirstAnswer {
  readonly id: string
  /** `undefined`: its value is too large to come along. */
  readonly row: FoundRow | undefined
  readonly valueBytes: number
}

/** What finding rows needs of a dialect. */
export interface ItemFinder {
  readonly limits: StatementLimits
  /** Rows of the ids that exist, without the values that are larger than `valueBytesMax`. */
  first(ids: readonly string[], valueBytesMax: number): Promise<readonly FirstAnswer[]>
  /** Whole rows of the ids that exist. */
  whole(ids: readonly string[]): Promise<readonly (readonly [id: string, row: FoundRow])[]>
}

/**
 * The rows of the ids that exist. One statement as a rule; large values are asked for in parts, so that no answer
 * grows with the number of ids times the size of a value.
 */
export async function findItems(
  finder: ItemFinder,
  ids: readonly string[],
): Promise<ReadonlyMap<string, FoundRow>> {
  // A single value is as large as it is.
  if (ids.length === 1) return new Map(await finder.whole(ids))
  const found = new Map<string, FoundRow>()
  const large: FirstAnswer[] = []
  for (const part of idParts(ids, finder.limits)) {
    for (const answer of await finder.first(part, Math.floor(ANSWER_BYTES_MAX / part.length))) {
      if (answer.row === undefined) large.push(answer)
      else found.set(answer.id, answer.row)
    }
  }
  for (const part of partsOfBytes(large, ({ valueBytes }) => valueBytes, ANSWER_BYTES_MAX)) {
    const rows = await finder.whole(part.map(({ id }) => id))
    for (const [id, row] of rows) found.set(id, row)
  }
  return found
}
