/**
 * Rows per statement. Few sizes, so that few statements are prepared and all of them stay prepared: a batch
 * of the usual 1,000 takes one statement.
 */
const ROW_SIZES = [1000, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1] as const
/** Ids per SELECT; a list that falls between is filled up by repeating its last id. */
const ID_SIZES = [1, 16, 128, 1000, 4096, 16_384] as const

/**
 * Cuts a list into parts of the fixed sizes, the largest first that stays within the bytes; what is larger
 * than that by itself is alone.
 */
export function* partsOf<T>(
  list: readonly T[],
  bytesOf: (element: T) => number,
  bytesMax: number,
): Generator<readonly T[]> {
  const bytesBefore = [0]
  for (const element of list) bytesBefore.push(bytesBefore.at(-1)! + bytesOf(element))
  let at = 0
  while (at < list.length) {
    const fits = (size: number) =>
      at + size <= list.length && bytesBefore[at + size]! - bytesBefore[at]! <= bytesMax
    const size = ROW_SIZES.find(fits) ?? 1
    yield list.slice(at, at + size)
    at += size
  }
}

/** Cuts ids into parts and fills each up to a fixed size. */
export function* paddedIds(ids: readonly string[]): Generator<readonly string[]> {
  const largest = ID_SIZES.at(-1)!
  for (let at = 0; at < ids.length; at += largest) {
    const part = ids.slice(at, at + largest)
    const size = ID_SIZES.find((candidate) => candidate >= part.length) ?? largest
    const last = part.at(-1)!
    while (part.length < size) part.push(last)
    yield part
  }
}

/** `?, ?, …` */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}
