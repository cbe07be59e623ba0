import { ignoreMissing, writeFully, type FileHandle, type FileSystem } from '@se/core'
import {
  encodeSegmentHeader,
  readFileName,
  segmentFileName,
  spareFileName,
  type SegmentHeader,
} from './format.ts'
import type { DirectoryLock } from './held-lock.ts'
import { ignoreFailure, SegmentHandle } from './segment-handle.ts'

const ZEROS = new Uint8Array(1024 * 1024)

/** The disk, or the quota, had no room for a new segment file. Nothing else happened. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom'
}

/** Makes, recycles and removes segment files, each step durable before the next. */
export class SegmentFiles {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #logId: string
  readonly #lock: Pick<DirectoryLock, 'makeSure'>

  constructor(
    fileSystem: FileSystem,
    directory: string,
    segmentBytes: number,
    logId: string,
    lock: Pick<DirectoryLock, 'makeSure'>,
  ) {
    this.#lock = lock
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#segmentBytes = segmentBytes
    this.#logId = logId
  }

  /**
   * The header of a segment of this log.
   *
   * @param first what its first group brings; none while it is only prepared
   * @param segmentBytes if the file has another size than new ones
   */
  header(
    segmentId: number,
    first?: { firstSequence: number; previousCrc: number },
    segmentBytes = this.#segmentBytes,
  ): SegmentHeader {
    return {
      segmentId,
      segmentBytes,
      logId: this.#logId,
      firstSequence: first?.firstSequence ?? 0,
      previousCrc: first?.previousCrc ?? 0,
      isPrepared: first === undefined,
    }
  }

  /**
   * Makes a segment file ready for its first group: full size, a header that says `prepared`, synced, then given
   * its name, and the directory synced. So a file with a segment's name always has a whole header.
   *
   * A new file is filled with zeros, not just extended: a sync of blocks that exist is nearly twice as fast as one
   * that must also record them.
   *
   * @param spare name of a freed file of the right size to use again
   * @returns the open file
   * @throws NoRoom on a full disk
   */
  async prepare(segmentId: number, spare: string | undefined): Promise<SegmentHandle> {
    const temporary = `${this.#directory}/${spare ?? spareFileName(segmentId)}`
    const handle = await this.#fill(temporary, segmentId, spare === undefined)
    try {
      await this.#lock.makeSure()
      await this.#fileSystem.rename(temporary, this.#path(segmentId))
      await this.#fileSystem.syncDirectory(this.#directory)
    } catch (error) {
      await abandon(handle)
      throw error
    }
    return SegmentHandle.around(handle, this.#fileSystem, this.#path(segmentId))
  }

  /** Turns a segment that is not needed any more into a spare. @returns its new name */
  async free(segmentId: number): Promise<string> {
    const spare = spareFileName(segmentId)
    await this.#lock.makeSure()
    await this.#fileSystem.rename(this.#path(segmentId), `${this.#directory}/${spare}`)
    await this.#fileSystem.syncDirectory(this.#directory)
    return spare
  }

  async removeSpare(name: string): Promise<void> {
    await this.#lock.makeSure()
    await this.#fileSystem.remove(`${this.#directory}/${name}`).catch(ignoreMissing)
  }

  /**
   * Spares left by an earlier run that have the right size; the others are removed.
   *
   * A spare still contains frames with its own id or a lower one. A segment with such an id must not be made of it, or old frames
   * would look valid. So a spare whose id may still come, because a repair or a person has set the ids back, is removed.
   *
   * @param oldestId of the segments that are there; 0 if there is none
   */
  async usableSpares(names: readonly string[], oldestId: number): Promise<string[]> {
    const usable: string[] = []
    for (const name of names) {
      const read = readFileName(name)
      if (read?.kind !== 'spare') continue
      if (read.segmentId >= oldestId) {
        await this.removeSpare(name)
        continue
      }
      const handle = await this.#fileSystem.open(`${this.#directory}/${name}`, 'read')
      let size: number
      try {
        size = await handle.size()
      } finally {
        await handle.close()
      }
      if (size === this.#segmentBytes) usable.push(name)
      else await this.removeSpare(name)
    }
    return usable
  }

  /** Gives the file its size and a `prepared` header, synced. */
  async #fill(path: string, segmentId: number, isNew: boolean): Promise<FileHandle> {
    let handle: FileHandle | undefined
    try {
      if (isNew) await this.#fileSystem.remove(path).catch(ignoreMissing)
      handle = await this.#fileSystem.open(path, isNew ? 'create' : 'write')
      for (let offset = 0; isNew && offset < this.#segmentBytes; offset += ZEROS.length) {
        await writeFully(handle, ZEROS.subarray(0, this.#segmentBytes - offset), offset)
      }
      await writeFully(handle, encodeSegmentHeader(this.header(segmentId)), 0)
      await handle.syncData()
      return handle
    } catch (error) {
      if (handle !== undefined) await abandon(handle)
      // On a full disk a half-filled file must not keep the room it took.
      if (isNew) await this.#fileSystem.remove(path).catch(ignoreFailure)
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
      throw new NoRoom(String(error), { cause: error })
    }
  }

  #path(segmentId: number): string {
    return `${this.#directory}/${segmentFileName(segmentId)}`
  }
}

/** Closes a file after a failure that is being reported already. */
async function abandon(handle: FileHandle): Promise<void> {
  await handle.close().catch(ignoreFailure)
}
