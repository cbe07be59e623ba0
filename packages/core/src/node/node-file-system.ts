import { close, constants, fdatasync, fstat, fsync, ftruncate, open, read, writev } from 'node:fs'
import { mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises'
import type { FileHandle, FileSystem, OpenMode } from '../file-system.ts'

/**
 * Only Linux is known to make a write with O_DSYNC as safe as `fdatasync`: macOS leaves it in the cache of the disk. Elsewhere a
 * sync follows each write.
 */
const HAS_WRITE_THROUGH = process.platform === 'linux'
const OPEN_FLAGS = {
  read: 'r',
  write: 'r+',
  create: 'wx+',
  'write-through': HAS_WRITE_THROUGH ? constants.O_RDWR | constants.O_DSYNC : 'r+',
} as const

/** The operating system's files. */
export const nodeFileSystem: FileSystem = {
  open: (path, mode) =>
    new Promise((resolve, reject) => {
      open(path, OPEN_FLAGS[mode], 0o600, (error, descriptor) =>
        error ? reject(error) : resolve(newHandle(descriptor, mode)),
      )
    }),
  readFile: (path) => readFile(path),
  list: (directory) => readdir(directory),
  async makeDirectory(directory) {
    await mkdir(directory, { recursive: true })
  },
  rename,
  remove: unlink,
  syncDirectory: (directory) =>
    new Promise((resolve, reject) => {
      open(directory, 'r', (openError, descriptor) => {
        if (openError) return reject(openError)
        fsync(descriptor, (syncError) => {
          close(descriptor, (closeError) => {
            const error = syncError ?? closeError
            if (error) reject(error)
            else resolve()
          })
        })
      })
    }),
}

function newHandle(descriptor: number, mode: OpenMode): FileHandle {
  const syncsEachWrite = mode === 'write-through' && !HAS_WRITE_THROUGH
  return syncsEachWrite ? new SyncingFileHandle(descriptor) : new NodeFileHandle(descriptor)
}

/** Callbacks, not `fs/promises`: the log's group commit spends its time here. */
class NodeFileHandle implements FileHandle {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      writev(this.#descriptor, buffers as Uint8Array[], position, (error, written) =>
        error ? reject(error) : resolve(written),
      )
    })
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, 0, target.length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      )
    })
  }

  syncData(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  truncate(size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#descriptor, size, (error) => (error ? reject(error) : resolve()))
    })
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fstat(this.#descriptor, (error, stats) => (error ? reject(error) : resolve(stats.size)))
    })
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      close(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }
}

class SyncingFileHandle extends NodeFileHandle {
  override async writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const written = await super.writev(buffers, position)
    await this.syncData()
    return written
  }
}
