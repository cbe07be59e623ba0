import type { FileHandle, FileSystem, OpenMode } from '../file-system.ts'
import type { PowerCutChooser } from './every-choice.ts'
import { DirectoryNode, FileNode } from './power-loss-nodes.ts'

/** One call that reached the file system. */
export interface FileSystemCall {
  readonly operation:
    | 'open'
    | 'readFile'
    | 'list'
    | 'makeDirectory'
    | 'rename'
    | 'remove'
    | 'syncDirectory'
    | 'writev'
    | 'read'
    | 'syncData'
    | 'truncate'
    | 'size'
    | 'close'
  readonly path: string
  /** Calls before this one. */
  readonly index: number
}

/** What to do instead of the call: fail with an operating system's code, or write only so many bytes. */
export type FileSystemFault = { readonly code: string } | { readonly writtenBytes: number }

export interface PowerLossFileSystem extends FileSystem {
  /** Calls so far. */
  readonly callCount: number
  /** How many files are open, to find those that nobody closes. */
  readonly openCount: number
  /** Calls on a file that was closed already. A real system may have given its descriptor to another file by then. */
  readonly strayCount: number
  /** Asked before each call; the last one set counts. */
  onCall: ((call: FileSystemCall) => FileSystemFault | undefined) | undefined
  /**
   * The disk as a power cut at this moment may leave it; this one stays as it is.
   *
   * Each sector that was written and not synced has one of the contents it had since the last sync, each file one
   * of its sizes, each created, renamed or removed name is there or not, all independently of each other.
   */
  afterPowerCut(choose: PowerCutChooser): PowerLossFileSystem
  /**
   * The same disk as the next process sees it; on this one every call fails from now on, as in a killed process.
   *
   * @param choose for each sector that a failed sync dropped: whether the page cache still has it (the last option), or
   *   has let it go, so that it is read from the disk, which has one of the contents it may have. Default: all are kept
   */
  afterKill(choose?: PowerCutChooser): PowerLossFileSystem
  /** From now on every call fails. */
  turnOff(): void
  /** Puts a file there, whole and durable. */
  plant(path: string, content: Uint8Array): void
}

/**
 * A disk in memory that can lose power.
 *
 * Harsher than most: sectors and names become durable in any order, and only what was synced is certain. A failed
 * `syncData` drops the written sectors: they still read as written, but no later sync brings them to the disk, which
 * is what Linux does [P9]; until they are written again, the disk may have any of their contents since the last sync. A sector is
 * written whole or not at all. A `writev` that writes through is two calls: the power may go, or a fault come, between its
 * `writev` and its `syncData`. It makes durable the sectors it touches and a size that holds them, no more.
 *
 * Source: Pebble's `vfs/errorfs` and strict `MemFS`; Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.
 *
 * @param options.sectorBytes what the disk writes at once; default 512
 */
export function createPowerLossFileSystem(options: { sectorBytes?: number } = {}): PowerLossFileSystem {
  return new SimulatedDisk(options.sectorBytes ?? 512, new DirectoryNode())
}

class SimulatedDisk implements PowerLossFileSystem {
  readonly #sectorBytes: number
  readonly #root: DirectoryNode
  #isOff = false
  callCount = 0
  openCount = 0
  strayCount = 0
  onCall: ((call: FileSystemCall) => FileSystemFault | undefined) | undefined

  constructor(sectorBytes: number, root: DirectoryNode) {
    this.#sectorBytes = sectorBytes
    this.#root = root
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    this.#enter('open', path)
    const { directory, name } = this.#locate(path)
    let node = directory.current.get(name)
    if (mode === 'create') {
      if (node !== undefined) throw systemError('EEXIST', 'open', path)
      node = new FileNode()
      directory.change({ kind: 'create', name, node })
    }
    if (node === undefined) throw systemError('ENOENT', 'open', path)
    if (!(node instanceof FileNode)) throw systemError('EISDIR', 'open', path)
    this.openCount++
    node.path = path
    return this.#handle(node, mode)
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.#enter('readFile', path)
    const { directory, name } = this.#locate(path)
    const node = directory.current.get(name)
    if (!(node instanceof FileNode)) throw systemError('ENOENT', 'readFile', path)
    return node.current.slice()
  }

  async list(path: string): Promise<string[]> {
    this.#enter('list', path)
    return [...this.#directory(path).current.keys()]
  }

  async makeDirectory(path: string): Promise<void> {
    this.#enter('makeDirectory', path)
    let directory = this.#root
    for (const name of parts(path)) {
      let node = directory.current.get(name)
      if (node === undefined) {
        node = new DirectoryNode()
        directory.change({ kind: 'create', name, node })
      }
      if (!(node instanceof DirectoryNode)) throw systemError('ENOTDIR', 'makeDirectory', path)
      directory = node
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#enter('rename', from)
    const source = this.#locate(from)
    const target = this.#locate(to)
    if (source.directory !== target.directory) throw systemError('EXDEV', 'rename', from)
    const node = source.directory.current.get(source.name)
    if (node === undefined) throw systemError('ENOENT', 'rename', from)
    source.directory.change({ kind: 'rename', name: source.name, to: target.name, node })
    if (node instanceof FileNode) node.path = to
  }

  async remove(path: string): Promise<void> {
    this.#enter('remove', path)
    const { directory, name } = this.#locate(path)
    const node = directory.current.get(name)
    if (node === undefined) throw systemError('ENOENT', 'remove', path)
    directory.change({ kind: 'remove', name, node })
  }

  async syncDirectory(path: string): Promise<void> {
    this.#enter('syncDirectory', path)
    this.#directory(path).sync()
  }

  afterPowerCut(choose: PowerCutChooser): PowerLossFileSystem {
    return new SimulatedDisk(this.#sectorBytes, this.#root.afterPowerCut(choose, this.#sectorBytes))
  }

  afterKill(choose?: PowerCutChooser): PowerLossFileSystem {
    this.turnOff()
    if (choose !== undefined) this.#root.evict(choose, this.#sectorBytes)
    return new SimulatedDisk(this.#sectorBytes, this.#root)
  }

  turnOff(): void {
    this.#isOff = true
  }

  plant(path: string, content: Uint8Array): void {
    const { directory, name } = this.#locate(path)
    const node = new FileNode()
    // Not `slice`, which of a Buffer shares the memory.
    node.current = new Uint8Array(content)
    node.durable = new Uint8Array(content)
    directory.current.set(name, node)
    directory.durable.set(name, node)
  }

  #handle(node: FileNode, mode: OpenMode): FileHandle {
    let isOpen = true
    const enter = (operation: FileSystemCall['operation']): FileSystemFault | undefined => {
      if (!isOpen) {
        this.strayCount++
        throw systemError('EBADF', operation, node.path)
      }
      return this.#enter(operation, node.path)
    }
    const enterWrite = (operation: FileSystemCall['operation']): FileSystemFault | undefined => {
      if (mode === 'read') throw systemError('EBADF', operation, node.path)
      return enter(operation)
    }
    const sync = (start: number, end: number): void => {
      try {
        enter('syncData')
      } catch (error) {
        if (isOpen && !this.#isOff) node.drop(this.#sectorBytes, start, end)
        throw error
      }
      node.sync(this.#sectorBytes, start, end)
    }
    return {
      writev: async (buffers, position) => {
        const fault = enterWrite('writev')
        let left = fault !== undefined && 'writtenBytes' in fault ? fault.writtenBytes : Infinity
        let done = 0
        for (const buffer of buffers) {
          const bytes = buffer.subarray(0, Math.min(buffer.length, left))
          node.write(bytes, position + done, this.#sectorBytes)
          done += bytes.length
          left -= bytes.length
        }
        if (mode === 'write-through') sync(position, position + done)
        return done
      },
      read: async (target, position) => {
        enter('read')
        const bytes = node.current.subarray(position, position + target.length)
        target.set(bytes)
        return bytes.length
      },
      syncData: async () => sync(0, Infinity),
      truncate: async (size) => {
        enterWrite('truncate')
        const before = node.current.length
        node.resize(size)
        node.noteSectors(Math.min(size, before), Math.max(size, before), this.#sectorBytes)
      },
      size: async () => {
        enter('size')
        return node.current.length
      },
      close: async () => {
        if (isOpen) this.openCount--
        try {
          enter('close')
        } finally {
          isOpen = false
        }
      },
    }
  }

  /** Counts the call and lets the test decide about it. */
  #enter(operation: FileSystemCall['operation'], path: string): FileSystemFault | undefined {
    if (this.#isOff) throw systemError('EIO', operation, path)
    const index = this.callCount++
    const fault = this.onCall?.({ operation, path, index })
    // The test may have cut the power in answer to the call.
    if (this.#isOff) throw systemError('EIO', operation, path)
    if (fault === undefined || 'writtenBytes' in fault) return fault
    throw systemError(fault.code, operation, path)
  }

  #locate(path: string): { directory: DirectoryNode; name: string } {
    const names = parts(path)
    const name = names.pop()
    if (name === undefined) throw systemError('EISDIR', 'open', path)
    return { directory: this.#directory(names.join('/')), name }
  }

  #directory(path: string): DirectoryNode {
    let directory = this.#root
    for (const name of parts(path)) {
      const node = directory.current.get(name)
      if (node === undefined) throw systemError('ENOENT', 'open', path)
      if (!(node instanceof DirectoryNode)) throw systemError('ENOTDIR', 'open', path)
      directory = node
    }
    return directory
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

/** An error as Node's file system throws it. */
function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${operation} '${path}'`), {
    code,
    syscall: operation,
    path,
  })
}
