import { ignoreMissing, writeFully, type FileHandle, type FileSystem, type Random } from '@se/core'
import { LogLocked } from './errors.ts'
import type { ProcessIdentity, Processes } from './process-identity.ts'

export const LOCK_FILE_NAME = 'log.lock'
/** A lock that changes hands this often while we try is in good hands. */
const ATTEMPTS_MAX = 20

/** One writer a directory. */
export interface DirectoryLock {
  /** Removes the lock file if it is still ours. */
  release(): Promise<void>
}

/**
 * Creates the lock file, taking over that of a dead process.
 *
 * A stale file is moved aside first, which only one of several contenders can do, and looked at again: if it was a
 * living process' lock after all, created a moment ago, it is moved back.
 *
 * @throws LogLocked while another living process, or this one, has the directory open
 */
export async function lockDirectory(
  directory: string,
  ports: { fileSystem: FileSystem; processes: Processes; random: Random },
): Promise<DirectoryLock> {
  const { fileSystem, processes, random } = ports
  const path = `${directory}/${LOCK_FILE_NAME}`
  const nonce = Buffer.from(random.bytes(8)).toString('hex')
  const self = processes.self()
  const content = Buffer.from(`${JSON.stringify({ ...self, nonce })}\n`)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await createLock(fileSystem, path, content)) {
      return {
        async release() {
          const current = await readLock(fileSystem, path)
          if (current !== undefined && content.equals(current)) await fileSystem.remove(path)
        },
      }
    }
    const found = await readLock(fileSystem, path)
    if (found === undefined) continue
    const holder = parseIdentity(found)
    if (holder !== undefined && processes.isAlive(holder)) throw locked(directory, holder)
    // An empty or half-written file may be another process' lock in the making: it is not ours to judge at first sight.
    if (holder === undefined && attempt < ATTEMPTS_MAX / 2) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    const aside = `${path}.${nonce}`
    try {
      await fileSystem.rename(path, aside)
    } catch (error) {
      ignoreMissing(error)
      continue
    }
    const moved = await readLock(fileSystem, aside)
    if (moved !== undefined && !Buffer.from(found).equals(moved)) {
      await fileSystem.rename(aside, path)
      continue
    }
    await fileSystem.remove(aside).catch(ignoreMissing)
  }
  throw locked(directory, undefined)
}

/** @returns whether the lock is ours */
async function createLock(fileSystem: FileSystem, path: string, content: Buffer): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await fileSystem.open(path, 'create')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  try {
    try {
      await writeFully(handle, content, 0)
    } finally {
      await handle.close()
    }
    // Another may have taken the file for remains while it was empty, and put its own there.
    const current = await readLock(fileSystem, path)
    return current !== undefined && content.equals(current)
  } catch (error) {
    await fileSystem.remove(path).catch(() => {})
    throw error
  }
}

async function readLock(fileSystem: FileSystem, path: string): Promise<Uint8Array | undefined> {
  try {
    return await fileSystem.readFile(path)
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

/** @returns undefined if the file is not a whole lock file */
export function parseIdentity(content: Uint8Array): ProcessIdentity | undefined {
  try {
    const { pid, bootId, startTime } = JSON.parse(
      Buffer.from(content).toString('utf8'),
    ) as Partial<ProcessIdentity>
    if (!Number.isInteger(pid) || typeof bootId !== 'string' || typeof startTime !== 'string')
      return undefined
    return { pid: pid!, bootId, startTime }
  } catch {
    return undefined
  }
}

function locked(directory: string, holder: ProcessIdentity | undefined): LogLocked {
  const who = holder === undefined ? 'other processes' : `process ${holder.pid}`
  return new LogLocked(`${directory} is open in ${who}; a log has one writer`, {
    details: { directory, pid: holder?.pid },
  })
}
