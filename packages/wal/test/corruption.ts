import type { FileSystem } from '@se/core'
import { createPowerLossFileSystem, type SeededRandom } from '@se/core/testing'
import { openLog } from '../src/index.ts'
import { GROUP_HEADER_BYTES, COMMIT_FRAME_BYTES, readFileName } from '../src/format.ts'
import { payloadsOf } from '../src/group.ts'
import { surveyLog } from '../src/read-log.ts'
import { DIRECTORY, worldOptions } from './power-cut-world.ts'

/** A log that was written, and everything known about it. */
export interface WrittenLog {
  /** The segment files, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Payload of sequence `firstSequence` + index. */
  readonly payloads: readonly Uint8Array[]
  readonly firstSequence: number
  /** First record of the last group with records. */
  readonly lastGroupSequence: number
  readonly isClosed: boolean
  /** Starts and ends of headers, bodies and commit frames: file and offset. */
  readonly boundaries: readonly { readonly file: string; readonly offset: number }[]
}

/**
 * Writes a log of several recycled segments, so that behind the good groups there are those of an earlier use.
 *
 * @param totalBytes of the segments that hold records
 */
export async function writeLog(
  random: SeededRandom,
  shape: { totalBytes: number; segmentBytes: number; recordBytes: number; isClosed: boolean },
): Promise<WrittenLog> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory(DIRECTORY)
  const limits = { segmentBytes: shape.segmentBytes, spareSegmentsMax: 8 }
  const log = await openLog(worldOptions(disk, { limits }))
  const payloads: Uint8Array[] = []
  let lastGroupSequence = 1
  const append = async () => {
    const group = Array.from({ length: 1 + random.below(3) }, () =>
      random.bytes(random.below(shape.recordBytes * 2)),
    )
    lastGroupSequence = payloads.length + 1
    payloads.push(...group)
    await log.append(group)
  }
  // Fills as many segments as will be used again, and lets them go.
  while (log.stats().segments * shape.segmentBytes < shape.totalBytes) await append()
  await log.release(log.stats().lastSequence - 1)
  const released = log.stats().lastSequence - 1
  while (log.stats().segments * shape.segmentBytes < shape.totalBytes) await append()
  await append()
  if (shape.isClosed) await log.close()
  else await log.sync()
  const files = new Map<string, Uint8Array>()
  for (const name of await disk.list(DIRECTORY)) {
    if (readFileName(name)?.kind === 'segment') files.set(name, await disk.readFile(`${DIRECTORY}/${name}`))
  }
  const boundaries: { file: string; offset: number }[] = []
  const survey = await surveyLog(DIRECTORY, readOnly(files), ({ header }, segmentId, offset) => {
    const file = `${String(segmentId).padStart(16, '0')}.wal`
    const end = offset + header.groupBytes
    for (const at of [offset, offset + GROUP_HEADER_BYTES, end - COMMIT_FRAME_BYTES, end]) {
      boundaries.push({ file, offset: at })
    }
  })
  if (survey.finding !== undefined) throw survey.finding.error
  const firstSequence = survey.releasedThrough + 1
  if (shape.isClosed && firstSequence !== released + 1) throw new Error('the release is not in the log')
  return {
    files,
    payloads: payloads.slice(firstSequence - 1),
    firstSequence,
    lastGroupSequence,
    isClosed: shape.isClosed,
    boundaries,
  }
}

/** What became of a damaged copy; anything but `wrong` is allowed. */
export type Verdict =
  'refused' | 'torn, last group cut' | 'torn, all there' | 'harmless' | { readonly wrong: string }

/** Reads the files as opening would, and compares what it would give with what was written. */
export async function judge(written: WrittenLog, files: ReadonlyMap<string, Uint8Array>): Promise<Verdict> {
  let wrongBytes: number | undefined
  let given = 0
  const survey = await surveyLog(DIRECTORY, readOnly(files), ({ header }, _segmentId, offset, bytes) => {
    let sequence = header.firstSequence
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (const payload of payloadsOf(bytes, view, offset, header)) {
      if (!isAsWritten(written, sequence, payload)) wrongBytes ??= sequence
      if (sequence >= written.firstSequence) given++
      sequence++
    }
  })
  if (survey.finding !== undefined) return 'refused'
  if (wrongBytes !== undefined) return { wrong: `record ${wrongBytes} has other bytes` }
  const last = survey.position.nextSequence - 1
  if (given !== last - written.firstSequence + 1)
    return { wrong: `${given} records were given up to ${last}` }
  return compareEnds(written, survey.releasedThrough + 1, last, survey.segmentEnd.kind)
}

/** As `judge`, through `openLog` and `replay`. */
export async function judgeByOpening(
  written: WrittenLog,
  files: ReadonlyMap<string, Uint8Array>,
  segmentBytes: number,
): Promise<Verdict> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory(DIRECTORY)
  for (const [name, bytes] of files) disk.plant(`${DIRECTORY}/${name}`, bytes)
  const refused = ['SE_LOG_DAMAGED', 'SE_LOG_FORMAT_UNKNOWN', 'SE_LOG_SEGMENT_MISSING']
  try {
    const log = await openLog(worldOptions(disk, { limits: { segmentBytes } }))
    const { firstSequence, lastSequence } = log.stats()
    let next = firstSequence
    for await (const { sequence, bytes } of log.replay()) {
      if (sequence !== next++) return { wrong: `record ${sequence} came instead of ${next - 1}` }
      if (!isAsWritten(written, sequence, bytes)) return { wrong: `record ${sequence} has other bytes` }
    }
    if (next !== lastSequence + 1) return { wrong: `the replay ended before ${next}` }
    return compareEnds(written, firstSequence, lastSequence, log.recovery.outcome)
  } catch (error) {
    const { code } = error as { code?: string }
    return refused.includes(code ?? '') ? 'refused' : { wrong: `threw ${String(error)}` }
  }
}

/** Records before the first that was not released are not looked at. */
function isAsWritten(written: WrittenLog, sequence: number, bytes: Uint8Array): boolean {
  if (sequence < written.firstSequence) return true
  const expected = written.payloads[sequence - written.firstSequence]
  return expected !== undefined && Buffer.compare(bytes, expected) === 0
}

function compareEnds(
  written: WrittenLog,
  firstSequence: number,
  lastSequence: number,
  outcome: string,
): Verdict {
  const end = written.firstSequence + written.payloads.length - 1
  if (firstSequence > written.firstSequence) return { wrong: `starts at ${firstSequence}` }
  if (lastSequence === end) return outcome === 'torn' ? 'torn, all there' : 'harmless'
  // After a close in order even the last group is covered by a later one.
  const mayBeCut = !written.isClosed && lastSequence === written.lastGroupSequence - 1
  if (outcome === 'torn' && mayBeCut) return 'torn, last group cut'
  return { wrong: `ends at ${lastSequence} instead of ${end}, and says ${outcome}` }
}

/** The files as a file system that can only be read. */
export function readOnly(files: ReadonlyMap<string, Uint8Array>): Pick<FileSystem, 'list' | 'open'> {
  const refuse = () => Promise.reject(new Error('read-only'))
  return {
    list: () => Promise.resolve([...files.keys()]),
    open: (path) => {
      const bytes = files.get(path.slice(path.lastIndexOf('/') + 1))
      if (bytes === undefined) return Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))
      return Promise.resolve({
        writev: refuse,
        read: (target: Uint8Array, position: number) => {
          const part = bytes.subarray(position, position + target.length)
          target.set(part)
          return Promise.resolve(part.length)
        },
        syncData: refuse,
        truncate: refuse,
        size: () => Promise.resolve(bytes.length),
        close: () => Promise.resolve(),
      })
    },
  }
}

/** A copy in which one file is replaced. */
export function withFile(
  files: ReadonlyMap<string, Uint8Array>,
  name: string,
  bytes: Uint8Array,
): ReadonlyMap<string, Uint8Array> {
  return new Map([...files, [name, bytes]])
}
