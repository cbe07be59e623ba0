import { dirname } from 'node:path'
import { ifAny, randomHex, StorageError, type FileSystem } from '@se/core'
import { assembleLog } from './assemble-log.ts'
import { LogFailed } from './errors.ts'
import { readFileName, SEGMENT_HEADER_BYTES } from './format.ts'
import type { DirectoryLock } from './held-lock.ts'
import { lockDirectory } from './lock.ts'
import type { ActiveSegment } from './group-writer.ts'
import type { Log } from './log.ts'
import { guardObserver, type LogRecovery } from './observer.ts'
import { readLogOptions, type LogOptions, type ParsedOptions } from './options.ts'
import { recoverLog, replaceOpenFiles, type RecoveredLog } from './recovery.ts'
import type { SealedSegment } from './sealed-segments.ts'
import { SegmentFiles } from './segment-files.ts'
import { SegmentHandle } from './segment-handle.ts'
import type { PreparedSegment } from './segment-supply.ts'
import type { SurveyedSegment } from './survey.ts'

/**
 * Opens the log of a directory, or starts one: takes the lock, reads and checks every record, cuts a torn tail.
 *
 * @throws InvalidConfig, LogLocked, LogDamaged, SegmentMissing, LogFormatUnknown, or LogFailed with the file system's error as its cause
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const parsed = readLogOptions(options)
  const { directory, limits, fileSystem, clock, random } = parsed
  const observer = guardObserver(parsed.observer)
  const startMs = clock.monotonicMs()
  let lock: DirectoryLock | undefined
  let next: PreparedSegment | undefined
  let active: ActiveSegment | undefined
  try {
    await makeDirectory(directory, fileSystem)
    lock = await lockDirectory(directory, { fileSystem, processes: parsed.processes, random, clock })
    if (lock.isFromSilence) await replaceOpenFiles(directory, fileSystem)
    const recovered = await recoverLog(directory, fileSystem, limits.segmentBytes)
    const logId = recovered.logId ?? randomHex(random, 16)
    const files = new SegmentFiles(fileSystem, directory, limits.segmentBytes, logId, lock)
    const spares = await files.usableSpares(recovered.spares, recovered.segments[0]?.segmentId ?? 0)
    // From the end, so that ids never have a gap.
    next = await openPrepared(parsed, files, recovered)
    active = await openActive(parsed, files, recovered, spares)
    const recovery = recoveryOf(recovered, clock.monotonicMs() - startMs)
    await lock.makeSure()
    observer?.recovered?.(recovery)
    return assembleLog({
      options: parsed,
      observer,
      recovery,
      files,
      lock,
      found: {
        lastSequence: recovered.position.nextSequence - 1,
        releasedThrough: recovered.releasedThrough,
        isClosed: recovered.isClosed,
        backlog: recovered.backlog,
      },
      active,
      sealed: recovered.segments.slice(0, -1).map(sealedOf),
      stock: { spares, next, nextId: (next ?? active).id + 1 },
    })
  } catch (error) {
    for (const opened of [next, active]) await opened?.handle.close().catch(() => {})
    await lock?.release().catch(() => {})
    if (error instanceof StorageError) throw error
    throw new LogFailed(`the log in ${directory} cannot be opened: ${String(error)}`, {
      cause: error,
      details: { operation: 'open', directory },
    })
  }
}

/**
 * Creates the directory, and makes durable what an earlier process may have left in the page cache: the directory
 * itself while there is no segment in it, and the names in it. Without that, a power cut could undo names that this process builds on.
 */
async function makeDirectory(directory: string, fileSystem: FileSystem): Promise<void> {
  const missing: string[] = []
  let names: string[] | undefined
  for (let path = directory; ; path = dirname(path)) {
    const found = await ifAny(fileSystem.list(path))
    if (path === directory) names = found
    if (found !== undefined || dirname(path) === path) break
    missing.push(path)
  }
  if (missing.length > 0) await fileSystem.makeDirectory(directory)
  for (const path of missing.slice(1).reverse()) await fileSystem.syncDirectory(dirname(path))
  const isNew = names?.some((name) => readFileName(name)?.kind === 'segment') !== true
  if (isNew) await fileSystem.syncDirectory(dirname(directory))
  else await fileSystem.syncDirectory(directory)
}

/** The last segment with its end; for a new log its first segment. */
async function openActive(
  { directory, fileSystem, limits }: ParsedOptions,
  files: SegmentFiles,
  recovered: RecoveredLog,
  spares: string[],
): Promise<ActiveSegment> {
  const last = recovered.segments.at(-1)
  const isUnfit = last?.header.isPrepared === true && last.header.segmentBytes !== limits.segmentBytes
  if (isUnfit) await files.removeSpare(await files.free(last.segmentId))
  if (last === undefined || isUnfit) {
    return {
      id: last?.segmentId ?? 1,
      segmentBytes: limits.segmentBytes,
      handle: await files.prepare(last?.segmentId ?? 1, spares.pop()),
      firstSequence: recovered.position.nextSequence,
      offset: SEGMENT_HEADER_BYTES,
      durableBytes: 0,
      previousCrc: recovered.position.previousCrc,
    }
  }
  return {
    id: last.segmentId,
    segmentBytes: last.header.segmentBytes,
    handle: await SegmentHandle.open(fileSystem, `${directory}/${last.file}`),
    firstSequence: last.firstSequence,
    offset: last.end,
    // Recovery has made all of it durable.
    durableBytes: last.groupCount === 0 ? 0 : last.end,
    previousCrc: recovered.position.previousCrc,
  }
}

/** The segment that an earlier run prepared; given up if it is not of the size wanted now. */
async function openPrepared(
  { directory, fileSystem, limits }: ParsedOptions,
  files: SegmentFiles,
  recovered: RecoveredLog,
): Promise<PreparedSegment | undefined> {
  const { prepared } = recovered
  if (prepared === undefined) return undefined
  if (prepared.header.segmentBytes !== limits.segmentBytes) {
    await files.removeSpare(await files.free(prepared.segmentId))
    return undefined
  }
  return {
    id: prepared.segmentId,
    segmentBytes: prepared.header.segmentBytes,
    handle: await SegmentHandle.open(fileSystem, `${directory}/${prepared.file}`),
  }
}

/** A segment that is full: all but the last. */
function sealedOf(segment: SurveyedSegment): SealedSegment {
  const { segmentId: id, firstSequence, lastSequence, header, end: usedBytes } = segment
  return { id, firstSequence, lastSequence, segmentBytes: header.segmentBytes, usedBytes }
}

/** @param durationMs of the whole recovery */
function recoveryOf(recovered: RecoveredLog, durationMs: number): LogRecovery {
  const { position, releasedThrough, bytesRead, segments, torn } = recovered
  return {
    outcome: outcomeOf(recovered),
    records: position.nextSequence - 1 - releasedThrough,
    bytesRead,
    segments: segments.length,
    durationMs,
    ...(torn === undefined ? {} : { torn }),
  }
}

function outcomeOf(recovered: RecoveredLog): LogRecovery['outcome'] {
  if (recovered.segments.length === 0) return 'created'
  if (recovered.torn !== undefined) return 'torn'
  return recovered.isClosed ? 'closed' : 'clean'
}
