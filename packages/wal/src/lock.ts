import { randomHex, writeFully, type FileHandle, type FileSystem } from '@se/core'
import { lockedError } from './errors.ts'
import { HeldLock, type DirectoryLock, type LockPorts } from './held-lock.ts'
import { areUnchanged, judgeLocks, refuseStrays } from './judge-locks.ts'
import { encodeLockFile, generationsOf, lockPath, type LockFile } from './lock-file.ts'

/** After so many attempts the lock is in use: it changed hands each time. */
const ATTEMPTS_MAX = 20

/**
 * Takes the lock of a directory, or takes over the lock of a dead process.
 *
 * The lock file with the highest number counts; its holder has the lock until there is a file with the next number. A process
 * that finds it released, or finds its holder dead, claims the next number: the system lets only one process create that file.
 * Then it looks again at the numbers, since a slow process may have claimed a number that was passed long ago, and
 * at the files that it judged. Only then is the claim a lock.
 *
 * @throws LogLocked while another living process, or this one, has the directory open
 */
export async function lockDirectory(directory: string, ports: LockPorts): Promise<DirectoryLock> {
  const { fileSystem, processes, random, clock } = ports
  const nonce = randomHex(random, 8)
  const holder = processes.self()
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const names = await fileSystem.list(directory)
    const judged = await judgeLocks(directory, generationsOf(names), ports)
    if (judged === undefined) continue
    if (!judged.hasHolder) await refuseStrays(directory, names, processes)
    const generation = (judged.files[0]?.generation ?? 0) + 1
    const startMs = clock.monotonicMs()
    const handle = await create(fileSystem, directory, generation, {
      holder,
      nonce,
      state: 'claimed',
      beat: 0,
    })
    if (handle === undefined) continue
    const lock = new HeldLock(directory, generation, { holder, nonce }, handle, startMs, ports)
    try {
      const [highest] = generationsOf(await fileSystem.list(directory))
      if (highest === generation && (await areUnchanged(directory, judged.files, fileSystem))) {
        await lock.begin(names, judged.isFromSilence)
        return lock
      }
    } catch (error) {
      await lock.withdraw()
      throw error
    }
    await lock.withdraw()
  }
  throw lockedError(directory, undefined)
}

/** @returns the open file; undefined if there is one of this generation already */
async function create(
  fileSystem: FileSystem,
  directory: string,
  generation: number,
  content: LockFile,
): Promise<FileHandle | undefined> {
  const path = lockPath(directory, generation)
  let handle: FileHandle
  try {
    handle = await fileSystem.open(path, 'create')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  try {
    await writeFully(handle, encodeLockFile(content), 0)
    return handle
  } catch (error) {
    await handle.close().catch(() => {})
    await fileSystem.remove(path).catch(() => {})
    throw error
  }
}
