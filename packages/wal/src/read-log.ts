/** Reads a whole log directory and changes nothing: what recovery, repair and the command line judge by. */
import { readFully, type FileSystem } from '@se/core'
import { readFileName, segmentFileName } from './format.ts'
import { Surveyor, type OnGroup, type Survey } from './survey.ts'

/** A survey, and what else is in the directory. */
export interface LogSurvey extends Survey {
  readonly bytesRead: number
  /** Names of the spare files, sorted. */
  readonly spares: readonly string[]
}

/** @throws only what the file system throws */
export async function surveyLog(
  directory: string,
  fileSystem: Pick<FileSystem, 'list' | 'open'>,
  onGroup?: OnGroup,
): Promise<LogSurvey> {
  const spares: string[] = []
  const ids: number[] = []
  for (const name of await fileSystem.list(directory)) {
    const read = readFileName(name)
    if (read?.kind === 'segment') ids.push(read.segmentId)
    else if (read?.kind === 'spare') spares.push(name)
  }
  const surveyor = new Surveyor(onGroup)
  let bytesRead = 0
  /** Memory of a segment that is not the last any more, to read another into. */
  let freeMemory = new ArrayBuffer(0)
  for (const id of ids.sort((a, b) => a - b)) {
    if (surveyor.findGap(id) !== undefined) break
    const { lastBytes } = surveyor
    const bytes = await readSegment(fileSystem, `${directory}/${segmentFileName(id)}`, freeMemory)
    bytesRead += bytes.length
    surveyor.add(id, bytes)
    if (surveyor.finding !== undefined) break
    freeMemory = (surveyor.lastBytes === bytes ? lastBytes : bytes).buffer as ArrayBuffer
  }
  return { ...surveyor.finish(), bytesRead, spares: spares.sort() }
}

/** All of a file. @param freeMemory used for it if it is large enough */
async function readSegment(
  fileSystem: Pick<FileSystem, 'open'>,
  path: string,
  freeMemory: ArrayBuffer,
): Promise<Uint8Array> {
  const handle = await fileSystem.open(path, 'read')
  try {
    const size = await handle.size()
    const memory = freeMemory.byteLength >= size ? freeMemory : new ArrayBuffer(size)
    const bytes = new Uint8Array(memory, 0, size)
    return bytes.subarray(0, await readFully(handle, bytes, 0))
  } finally {
    await handle.close()
  }
}
