/**
 * One place decides how large a statement may be: in bytes, because servers refuse larger packets, and in terms,
 * because they refuse more of them, too [P73]. Everything that follows the data in size is cut here.
 */

/** What one statement may be. */
export interface StatementLimits {
  /** Values of one statement, bytes. */
  readonly bytesMax: number
  /** Text of one statement, bytes. */
  readonly textBytesMax: number
}

/**
 * Rows per statement. Few sizes, so that few statements are prepared and all of them stay prepared: a batch
 * of the usual 1,000 takes one statement.
 */
const ROW_SIZES = [1000, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1] as const
/**
 * Ids per statement, up to the first thousand; beyond, every thousand. A list that falls between is filled up by repeating its last id. So
 * few statements are prepared, one is enough for most lists, and none asks for a thousand more than it must.
 */
const ID_SIZES = [1, 16, 128, 1000] as const
const ID_SIZE_STEP = 1000
const ID_SIZE_MAX = 16_000
/** Bytes that an id takes in a packet beside its text: type, length, null bit. */
const ID_OVERHEAD_BYTES = 12
/** `?, ` */
const PLACEHOLDER_BYTES = 3
/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3

/** Conditions that one statement joins by OR: SQLite refuses more than 1,000, and others lose their optimizer. */
export const CONDITIONS_MAX = 64
/** Values that one statement names in a list, where they are short. */
export const LIST_MAX = 1_000
/** Values that one answer may bring, bytes: more is asked for in parts. */
export const ANSWER_BYTES_MAX = 16 * 2 ** 20

/** Cuts a list into parts of at most `count`. */
export function* partsOfCount<T>(list: readonly T[], count: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += count) yield list.slice(at, at + count)
}

/**
 * Cuts rows into parts of the fixed sizes, the largest first that stays within the limits; what is larger by
 * itself is alone.
 *
 * @param rowTextBytes what a row adds to the statement's text
 */
export function* rowParts<T>(
  rows: readonly T[],
  bytesOf: (row: T) => number,
  limits: StatementLimits,
  rowTextBytes: number,
): Generator<readonly T[]> {
  const bytesBefore = [0]
  for (const row of rows) bytesBefore.push(bytesBefore.at(-1)! + bytesOf(row))
  let at = 0
  while (at < rows.length) {
    const fits = (size: number) =>
      at + size <= rows.length &&
      bytesBefore[at + size]! - bytesBefore[at]! <= limits.bytesMax &&
      size * rowTextBytes <= limits.textBytesMax
    const size = ROW_SIZES.find(fits) ?? 1
    yield rows.slice(at, at + size)
    at += size
  }
}

/** Cuts ids into parts within the limits, each of a fixed size; the last parts may be filled up to theirs. */
export function* idParts(ids: readonly string[], limits: StatementLimits): Generator<readonly string[]> {
  const bytesBefore = [0]
  for (const id of ids) bytesBefore.push(bytesBefore.at(-1)! + idBytes(id))
  let at = 0
  while (at < ids.length) {
    const left = ids.length - at
    const fits = (size: number) => {
      const taken = Math.min(size, left)
      const filled = (size - taken) * idBytes(ids[at + taken - 1]!)
      return (
        bytesBefore[at + taken]! - bytesBefore[at]! + filled <= limits.bytesMax &&
        size * PLACEHOLDER_BYTES <= limits.textBytesMax
      )
    }
    let size = idSize(left)
    while (size > 1 && !fits(size)) size = idSizeBelow(size)
    const part = ids.slice(at, at + size)
    at += part.length
    const last = part.at(-1)!
    while (part.length < size) part.push(last)
    yield part
  }
}

/** The smallest size that takes so many ids, or the largest there is. */
function idSize(count: number): number {
  const small = ID_SIZES.find((size) => size >= count)
  return small ?? Math.min(ID_SIZE_MAX, Math.ceil(count / ID_SIZE_STEP) * ID_SIZE_STEP)
}

function idSizeBelow(size: number): number {
  return size > ID_SIZE_STEP ? size - ID_SIZE_STEP : (ID_SIZES.findLast((each) => each < size) ?? 1)
}

/** Upper bound of what an id takes in a packet. */
function idBytes(id: string): number {
  return ID_OVERHEAD_BYTES + textBytesMax(id)
}

/** Upper bound of a text's bytes of UTF-8. */
export function textBytesMax(text: string): number {
  return UTF8_BYTES_MAX * text.length
}

/** Cuts by a number of bytes each brings; what brings more by itself is alone. */
export function* partsOfBytes<T>(
  list: readonly T[],
  bytesOf: (element: T) => number,
  bytesMax: number,
): Generator<readonly T[]> {
  let part: T[] = []
  let bytes = 0
  for (const element of list) {
    const more = bytesOf(element)
    if (part.length > 0 && bytes + more > bytesMax) {
      yield part
      part = []
      bytes = 0
    }
    part.push(element)
    bytes += more
  }
  if (part.length > 0) yield part
}

/** `?, ?, …` */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

/** Statements by a number of terms: there are few, and the longest has 16,384. */
export function textsByCount(make: (terms: string) => string): (count: number) => string {
  const texts = new Map<number, string>()
  return (count) => {
    let text = texts.get(count)
    if (text === undefined) texts.set(count, (text = make(placeholders(count))))
    return text
  }
}
