import { StorageError, writeFully, type FileSystem } from '@se/core'
import { LogFailed, LogFormatUnknown } from './errors.ts'
import { CONTROL_GROUP_BYTES, readFileName } from './format.ts'
import { GroupEncoder } from './group.ts'
import { keepPiece, unusedPieceName } from './kept-pieces.ts'
import { lockDirectory } from './lock.ts'
import { readRepairOptions, type RepairOptions } from './options.ts'
import { surveyLog } from './read-log.ts'
import { overwriteWithZeros, replaceOpenFiles } from './recovery.ts'
import type { Survey } from './survey.ts'

export interface RepairReport {
  /** What was wrong; undefined if nothing was, and then nothing was changed. */
  readonly finding: StorageError | undefined
  /** The last record that is kept. Whatever came after it is not in the log any more. */
  readonly lastSequence: number
  /** Files that hold what was cut out of the log, for people to look at. */
  readonly keptFiles: readonly string[]
}

/**
 * Makes a damaged log openable by giving up the records behind the damage: the decision of a person who has no better
 * copy. What is cut is kept beside the log under names that end in `.damaged`.
 *
 * A log whose oldest segments are missing cannot be told from one whose records there were released; such a
 * log is accepted as it is from its first segment on.
 *
 * @throws LogLocked while a process has the log open, LogFormatUnknown for files of a newer format, LogFailed
 */
export async function repairLog(options: RepairOptions): Promise<RepairReport> {
  const ports = readRepairOptions(options)
  const { directory, fileSystem } = ports
  try {
    const lock = await lockDirectory(directory, ports)
    try {
      if (lock.isFromSilence) await replaceOpenFiles(directory, fileSystem)
      const report = await repair(directory, fileSystem, await surveyLog(directory, fileSystem))
      if (report.finding === undefined) return report
      // What was cut may have been what told that the segments before the first are released.
      const rest = await surveyLog(directory, fileSystem)
      if (rest.finding?.isFrontMissing === true) await acceptFront(directory, fileSystem, rest)
      return report
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (error instanceof StorageError) throw error
    throw new LogFailed(`the log in ${directory} cannot be repaired: ${String(error)}`, { cause: error })
  }
}

async function repair(directory: string, fileSystem: FileSystem, survey: Survey): Promise<RepairReport> {
  const { finding, position } = survey
  const lastSequence = position.nextSequence - 1
  if (finding === undefined) return { finding, lastSequence, keptFiles: [] }
  if (finding.error instanceof LogFormatUnknown) throw finding.error
  const keptFiles: string[] = []
  if (finding.isFrontMissing) {
    await acceptFront(directory, fileSystem, survey)
    return { finding: finding.error, lastSequence, keptFiles }
  }
  const files = (await fileSystem.list(directory))
    .filter((name) => readFileName(name)?.kind === 'segment')
    .sort()
  // From the end, so that ids never have a gap.
  for (const file of files.toReversed()) {
    if (finding.segmentId !== undefined && readFileName(file)!.segmentId <= finding.segmentId) continue
    const kept = await unusedPieceName(directory, fileSystem, file, 'damaged')
    await fileSystem.rename(`${directory}/${file}`, `${directory}/${kept}`)
    await fileSystem.syncDirectory(directory)
    keptFiles.push(kept)
  }
  const last = survey.segments.find(({ segmentId }) => segmentId === finding.segmentId)
  if (last === undefined) return { finding: finding.error, lastSequence: 0, keptFiles }
  const path = `${directory}/${last.file}`
  const cut = (await fileSystem.readFile(path)).subarray(last.end)
  if (cut.some((byte) => byte !== 0)) {
    keptFiles.push(await keepPiece(directory, fileSystem, `${last.file}.${last.end}`, 'damaged', cut))
  }
  const handle = await fileSystem.open(path, 'write')
  try {
    await overwriteWithZeros(handle, last.end, last.header.segmentBytes)
    await handle.syncData()
  } finally {
    await handle.close()
  }
  return { finding: finding.error, lastSequence, keptFiles }
}

/** Notes that the records before the first segment are released, by a control group behind the last group. */
async function acceptFront(directory: string, fileSystem: FileSystem, survey: Survey): Promise<void> {
  const first = survey.segments[0]
  const { last, position } = survey
  if (first === undefined || last === undefined) return
  if (position.offset + CONTROL_GROUP_BYTES > last.header.segmentBytes) {
    throw new Error(`${last.file} has no room to note what was released`)
  }
  const group = new GroupEncoder().encode([], 0, {
    segmentId: last.segmentId,
    firstSequence: position.nextSequence,
    durableBytes: last.durableBytes,
    releasedThrough: first.firstSequence - 1,
    writtenMs: 0,
    previousCrc: position.previousCrc,
    flags: 0,
  })
  const handle = await fileSystem.open(`${directory}/${last.file}`, 'write')
  try {
    await writeFully(handle, Buffer.concat(group.buffers), position.offset)
    await handle.syncData()
  } finally {
    await handle.close()
  }
}
