import { writeFully, type FileHandle, type FileSystem } from '@se/core'

/**
 * An open segment file, in two ways: what is written to the page cache waits for a sync, what is written through is
 * durable when the write ends, in one call of the file system instead of two.
 */
export class SegmentHandle {
  readonly #cached: FileHandle
  readonly #through: FileHandle

  constructor(cached: FileHandle, through: FileHandle) {
    this.#cached = cached
    this.#through = through
  }

  static async open(fileSystem: FileSystem, path: string): Promise<SegmentHandle> {
    return SegmentHandle.around(await fileSystem.open(path, 'write'), fileSystem, path)
  }

  /** @param cached the same file, open to write; closed if the file cannot be opened once more */
  static async around(cached: FileHandle, fileSystem: FileSystem, path: string): Promise<SegmentHandle> {
    try {
      return new SegmentHandle(cached, await fileSystem.open(path, 'write-through'))
    } catch (error) {
      await cached.close().catch(ignoreFailure)
      throw error
    }
  }

  /** Writes all of the buffers one after the other; they are durable after the next `sync`. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return writeAll(this.#cached, buffers, position)
  }

  /** As `write`, but they are durable when it resolves; and only they. */
  writeThrough(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return writeAll(this.#through, buffers, position)
  }

  /** Makes all that was written to the file durable. */
  sync(): Promise<void> {
    return this.#cached.syncData()
  }

  /** Closes both, also if closing the first one fails. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled([this.#through.close(), this.#cached.close()])
    for (const result of closed) if (result.status === 'rejected') throw result.reason
  }
}

async function writeAll(handle: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let bytes = 0
  for (const buffer of buffers) bytes += buffer.length
  const done = await handle.writev(buffers, position)
  // A short write, which is rare: what is left goes on as one buffer.
  if (done < bytes) await writeFully(handle, Buffer.concat(buffers).subarray(done), position + done)
}

/** For clean-up after a failure: the first error is the one to report. */
export function ignoreFailure(): void {}
