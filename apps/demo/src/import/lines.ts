import { Buffer } from 'node:buffer'

/** One line of the input, without its end. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** `undefined`: longer than the bound; its bytes were dropped. */
  readonly bytes: Buffer | undefined
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Cuts a stream into lines at `\n` or `\r\n`. What follows the last line end is a line if there is anything.
 *
 * Memory is bounded by the longest line allowed and the stream's chunks.
 *
 * @param lineBytesMax longer lines are told, not kept
 */
export async function* readLines(chunks: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<Line> {
  let number = 0
  let parts: Buffer[] = []
  let length = 0
  let isTooLong = false
  const keep = (part: Buffer) => {
    length += part.length
    // One more for a carriage return, which is not of the line.
    if (length > lineBytesMax + 1) {
      isTooLong = true
      parts = []
    }
    if (!isTooLong && part.length > 0) parts.push(part)
  }
  const finish = (): Line => {
    let bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    if (number === 0 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3)
    if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1)
    const isKept = !isTooLong && bytes.length <= lineBytesMax
    number++
    parts = []
    length = 0
    isTooLong = false
    return { number, bytes: isKept ? bytes : undefined }
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end))
      start = end + 1
      yield finish()
    }
    keep(chunk.subarray(start))
  }
  if (length > 0) yield finish()
}
