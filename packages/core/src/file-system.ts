/**
 * The file system as a port, so that tests can cut the power.
 *
 * What an implementation must keep (POSIX): a write is visible to readers at once and durable after
 * `syncData` on that file; a created, renamed or removed name is durable after `syncDirectory` on its
 * directory. Errors are the operating system's, with `code` (`ENOSPC`, `EIO`, `ENOENT`, `EEXIST` …).
 */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<FileHandle>
  readFile(path: string): Promise<Uint8Array>
  /** Names of the entries, in no order. */
  list(directory: string): Promise<string[]>
  /** Creates a directory and its parents; an existing one is no error. */
  makeDirectory(directory: string): Promise<void>
  /** Replaces the target atomically if there is one. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(directory: string): Promise<void>
}

/**
 * `read`: must exist; `write`: must exist, read and write; `create`: must not exist, read and write;
 * `write-through`: as `write`, and the bytes of a `writev` are durable when it resolves, as if `syncData` had followed for
 * them alone. A failure of such a `writev` is one of the sync too, and as final [P9].
 */
export type OpenMode = 'read' | 'write' | 'create' | 'write-through'

export interface FileHandle {
  /**
   * Writes the buffers one after the other from `position`. May write less than asked (as `writev(2)` does):
   * the caller looks at the result.
   *
   * @returns bytes written
   */
  writev(buffers: readonly Uint8Array[], position: number): Promise<number>
  /** @returns bytes read into the start of `target`; 0 at the end of the file */
  read(target: Uint8Array, position: number): Promise<number>
  /** Makes the file's contents and size durable (`fdatasync`). A failure is final: never retry it [P9]. */
  syncData(): Promise<void>
  /** Cuts or extends (with zeros) to `size` bytes. */
  truncate(size: number): Promise<void>
  /** Bytes. */
  size(): Promise<number>
  close(): Promise<void>
}

/**
 * Replaces a small file so that after a crash either the old or the new content is there, whole.
 *
 * @param directory of the file; `name` must be in it
 */
export async function writeFileAtomically(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  content: Uint8Array,
): Promise<void> {
  const path = `${directory}/${name}`
  const temporary = `${path}.tmp`
  await fileSystem.remove(temporary).catch(ignoreMissing)
  const handle = await fileSystem.open(temporary, 'create')
  try {
    await writeFully(handle, content, 0)
    await handle.syncData()
  } finally {
    await handle.close()
  }
  await fileSystem.rename(temporary, path)
  await fileSystem.syncDirectory(directory)
}

/** Writes all of `content` at `position`, going on after short writes. */
export async function writeFully(handle: FileHandle, content: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < content.length) {
    const written = await handle.writev([content.subarray(done)], position + done)
    if (written === 0) throw new Error('the file system wrote nothing and reported no error')
    done += written
  }
}

/**
 * Reads from `position` until `target` is full or the file ends, going on after short reads.
 *
 * @returns bytes read; fewer than `target` has where the file ends before
 */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < target.length) {
    const count = await handle.read(target.subarray(done), position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** The content of a file; `undefined` if there is no such file. */
export function readFileIfAny(
  fileSystem: Pick<FileSystem, 'readFile'>,
  path: string,
): Promise<Uint8Array | undefined> {
  return ifAny(fileSystem.readFile(path))
}

/** What a call of the file system gives; `undefined` where it finds no such file or directory. */
export async function ifAny<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

/** Rethrows every error but "no such file". */
export function ignoreMissing(error: unknown): void {
  if ((error as { code?: unknown } | null)?.code !== 'ENOENT') throw error
}
