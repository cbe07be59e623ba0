import { writeFileAtomically, writeFully, type FileHandle, type FileSystem } from '@se/core'
import { Backlog } from './backlog.ts'
import { readFileName } from './format.ts'
import { keepPiece } from './kept-pieces.ts'
import type { LogRecovery } from './observer.ts'
import type { ScanPosition } from './scan.ts'
import { surveyLog } from './read-log.ts'
import type { Survey, SurveyedSegment } from './survey.ts'

const ZEROS = new Uint8Array(64 * 1024)

/** A log directory that has been read, and whose end is fit to be written on. */
export interface RecoveredLog {
  readonly logId: string | undefined
  /** Segments with records that are there, in order; the last is the one to go on in. Empty for a new log. */
  readonly segments: readonly SurveyedSegment[]
  /** A segment that was prepared after the last. */
  readonly prepared: SurveyedSegment | undefined
  readonly position: ScanPosition
  readonly releasedThrough: number
  readonly isClosed: boolean
  readonly backlog: Backlog
  readonly spares: readonly string[]
  readonly bytesRead: number
  readonly torn: LogRecovery['torn']
}

/**
 * Reads the directory, cuts a torn tail, and makes what is left durable.
 *
 * @throws LogDamaged, SegmentMissing, LogFormatUnknown: nothing was changed
 */
export async function recoverLog(
  directory: string,
  fileSystem: FileSystem,
  segmentBytes: number,
): Promise<RecoveredLog> {
  const backlog = new Backlog(segmentBytes)
  const survey = await surveyLog(directory, fileSystem, ({ header, lastSequence }) => {
    if (header.recordCount > 0) backlog.add(lastSequence, header.groupBytes, header.writtenMs)
  })
  if (survey.finding !== undefined) throw survey.finding.error
  backlog.release(survey.releasedThrough)
  const torn = survey.segmentEnd.kind === 'torn' ? await cutRemains(directory, fileSystem, survey) : undefined
  if (survey.last !== undefined && torn === undefined) await secureEnd(directory, fileSystem, survey)
  const lastId = survey.last?.segmentId
  return {
    logId: survey.logId,
    segments: survey.segments.filter((segment) => lastId !== undefined && segment.segmentId <= lastId),
    prepared: survey.segments.find((segment) => lastId !== undefined && segment.segmentId > lastId),
    position: survey.position,
    releasedThrough: survey.releasedThrough,
    isClosed: survey.isClosed,
    backlog,
    spares: survey.spares,
    bytesRead: survey.bytesRead,
    torn,
  }
}

/**
 * Replaces the last two segments by copies. A silent holder of the lock, which may still live, can have these files open to write: if
 * it goes on after all, it writes to files that have no name any more. Spares are removed.
 */
export async function replaceOpenFiles(directory: string, fileSystem: FileSystem): Promise<void> {
  const names = await fileSystem.list(directory)
  const segments = names.filter((name) => readFileName(name)?.kind === 'segment').sort()
  for (const name of segments.slice(-2)) {
    await writeFileAtomically(fileSystem, directory, name, await fileSystem.readFile(`${directory}/${name}`))
  }
  for (const name of names) {
    if (readFileName(name)?.kind === 'spare') await fileSystem.remove(`${directory}/${name}`)
  }
}

/** Keeps the remains of the last write beside the segment, then overwrites them with zeros. */
async function cutRemains(
  directory: string,
  fileSystem: FileSystem,
  survey: Survey,
): Promise<LogRecovery['torn']> {
  const { last, segmentEnd, lastBytes } = survey
  if (last === undefined || segmentEnd.kind !== 'torn') return undefined
  const offset = last.end
  const piece = lastBytes.subarray(offset, segmentEnd.remainsEnd)
  const pieceFile = await keepPiece(directory, fileSystem, `${last.file}.${offset}`, 'torn', piece)
  const handle = await fileSystem.open(`${directory}/${last.file}`, 'write')
  try {
    const unproven = unprovenEnd(survey)
    if (unproven !== undefined) await rewrite(handle, unproven)
    await overwriteWithZeros(handle, offset, last.header.segmentBytes)
    await handle.syncData()
  } finally {
    await handle.close()
  }
  return { file: last.file, offset, bytes: piece.length, pieceFile }
}

/** Makes the last groups durable: a process that was killed may have left them in the page cache only. */
async function secureEnd(directory: string, fileSystem: FileSystem, survey: Survey): Promise<void> {
  const unproven = unprovenEnd(survey)
  if (unproven === undefined) return
  const handle = await fileSystem.open(`${directory}/${unproven.file}`, 'write')
  try {
    await rewrite(handle, unproven)
    await handle.syncData()
  } finally {
    await handle.close()
  }
}

/** Bytes of a segment, and where they lie in it. */
interface Piece {
  readonly file: string
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The groups at the end of the last segment that no later group proves to be synced; `undefined`: there are none. */
function unprovenEnd({ last, lastBytes }: Survey): Piece | undefined {
  if (last === undefined || last.end <= last.durableBytes || last.groupCount === 0) return undefined
  const { file, durableBytes: offset } = last
  return { file, offset, bytes: lastBytes.subarray(offset, last.end) }
}

/**
 * Writes once more what the file shows already. After a failed sync the page cache shows such bytes as clean though the
 * disk does not have them, and no further sync would write them [P9].
 */
async function rewrite(handle: FileHandle, { bytes, offset }: Piece): Promise<void> {
  await writeFully(handle, bytes, offset)
}

/** Clears a segment from an offset on. @param end size of the segment, bytes; a shorter file grows to it */
export async function overwriteWithZeros(handle: FileHandle, offset: number, end: number): Promise<void> {
  for (let start = offset; start < end; start += ZEROS.length) {
    await writeFully(handle, ZEROS.subarray(0, end - start), start)
  }
}
