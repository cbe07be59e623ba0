/**
 * A state is a row of bytes. Each field has a name and a number of entries, each of one byte; the entries of a field lie side
 * by side, so entry `i` of the field `floor` is `state[at.floor + i]`.
 */
export type State = Uint8Array

export interface Layout<Name extends string> {
  /** Where the first entry of each field lies. */
  readonly at: Readonly<Record<Name, number>>
  readonly byteCount: number
}

/** @param sizes how many entries each field has; none is allowed, and then the field must not be touched */
export function layOut<Name extends string>(sizes: Readonly<Record<Name, number>>): Layout<Name> {
  const at = {} as Record<Name, number>
  let byteCount = 0
  for (const name of Object.keys(sizes) as Name[]) {
    at[name] = byteCount
    byteCount += sizes[name]
  }
  return { at, byteCount }
}
