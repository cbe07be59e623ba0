import { close, fdatasync, fstat, fsync, ftruncate, open, read, writev } from 'node:fs'
import { mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises'
import type { FileHandle, FileSystem } from '../file-system.ts'

const OPEN_FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const

/** The operating system's files. */
export const nodeFileSystem: FileSystem = {
  open: (path, mode) =>
    new Promise((resolve, reject) => {
      open(path, OPEN_FLAGS[mode], 0o600, (error, descriptor) =>
        error ? reject(error) : resolve(new NodeFileHandle(descriptor)),
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
