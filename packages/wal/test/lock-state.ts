import type { FileSystem } from '@se/core'
import { decodeLockFile, generationsOf, lockFileName, type LockFile } from '../src/lock-file.ts'

/** What the lock file that counts says; undefined if there is none. */
export async function lockState(
  fileSystem: Pick<FileSystem, 'list' | 'readFile'>,
  directory: string,
): Promise<LockFile['state'] | undefined> {
  const [generation] = generationsOf(await fileSystem.list(directory))
  if (generation === undefined) return undefined
  return decodeLockFile(await fileSystem.readFile(`${directory}/${lockFileName(generation)}`))?.state
}
