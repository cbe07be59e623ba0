import { Buffer } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** A file or standard input, unpacked where it is gzip. */
export interface Input {
  readonly name: string
  readonly chunks: AsyncIterable<Buffer>
  /** Share of the file that has been read, 0 to 1; `undefined` where its size is not known. */
  readonly fraction: number | undefined
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b])

/**
 * @param file absolute path; `undefined`: standard input
 * @throws the file system's error when it cannot be read
 */
export async function openInput(file: string | undefined): Promise<Input> {
  const sizeBytes = file === undefined ? undefined : (await stat(file)).size
  const raw: AsyncIterable<Buffer> = file === undefined ? process.stdin : createReadStream(file)
  let readBytes = 0
  async function* counted() {
    for await (const chunk of raw) {
      readBytes += chunk.length
      yield chunk
    }
  }
  const source = counted()
  let head = Buffer.alloc(0)
  while (head.length < GZIP_MAGIC.length) {
    const next = await source.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
  }
  async function* whole() {
    yield head
    yield* source
  }
  const isGzip = head.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)
  // The error of a damaged file comes out of the iteration.
  const chunks = isGzip ? pipeline(Readable.from(whole()), createGunzip(), () => {}) : whole()
  return {
    name: file ?? 'standard input',
    chunks,
    get fraction() {
      return sizeBytes === undefined || sizeBytes === 0 ? undefined : Math.min(1, readBytes / sizeBytes)
    },
  }
}
