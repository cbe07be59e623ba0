import { readFile } from 'node:fs/promises'
import { nodeFileSystem } from '@se/core/node'
import { decodeLockFile, generationsOf, lockFileName, signFileName } from './lock-file.ts'
import { surveyLog } from './read-log.ts'
import type { Survey } from './survey.ts'
import { systemProcesses } from './system-processes.ts'

/** The exit codes of the command line. */
export const EXIT = { whole: 0, damaged: 1, usage: 2 } as const

/** What is in the directory, as lines of text. */
export async function inspect(directory: string): Promise<{ lines: string[]; exitCode: number }> {
  const survey = await surveyLog(directory, nodeFileSystem)
  const rows = [['file', 'state', 'first', 'last', 'groups', 'used', 'size']]
  for (const segment of survey.segments) {
    const isEmpty = segment.lastSequence < segment.firstSequence
    rows.push([
      segment.file,
      stateOf(segment, survey),
      isEmpty ? '-' : String(segment.firstSequence),
      isEmpty ? '-' : String(segment.lastSequence),
      String(segment.groupCount),
      String(segment.end),
      String(segment.header.segmentBytes),
    ])
  }
  for (const spare of survey.spares) rows.push([spare, 'spare', '-', '-', '-', '-', '-'])
  const lastSequence = survey.position.nextSequence - 1
  const lines = [
    ...align(rows),
    '',
    `log        ${survey.logId ?? 'none'}`,
    `released   through ${survey.releasedThrough}`,
    `records    ${Math.max(0, lastSequence - survey.releasedThrough)} not released, the last is ${lastSequence}`,
    `open       ${await holder(directory)}`,
  ]
  const { state, exitCode } = judge(survey)
  return { lines: [...lines, `state      ${state}`], exitCode }
}

function stateOf(segment: Survey['segments'][number], { last }: Survey): string {
  if (segment.header.isPrepared && segment.groupCount === 0) return 'prepared'
  return segment === last ? 'last' : 'full'
}

/** Whether the log is whole, as one line, and what is wrong with it. */
export async function verify(directory: string): Promise<{ lines: string[]; exitCode: number }> {
  const survey = await surveyLog(directory, nodeFileSystem)
  const { state, exitCode } = judge(survey)
  const read = `${survey.segments.length} segments, ${survey.bytesRead} bytes read`
  return { lines: [`${state} (${read})`], exitCode }
}

function judge(survey: Survey): { state: string; exitCode: number } {
  if (survey.finding !== undefined) {
    const { error } = survey.finding
    return { state: `${(error as { code?: string }).code ?? ''}: ${error.message}`, exitCode: EXIT.damaged }
  }
  if (survey.last === undefined) return { state: 'no log here', exitCode: EXIT.whole }
  if (survey.segmentEnd.kind === 'torn') {
    const { file, end } = survey.last
    return {
      state: `whole but for a torn tail in ${file} at byte ${end}, which opening cuts (or a write that is under way)`,
      exitCode: EXIT.whole,
    }
  }
  return { state: survey.isClosed ? 'whole, closed in order' : 'whole', exitCode: EXIT.whole }
}

async function holder(directory: string): Promise<string> {
  const [generation] = generationsOf(await nodeFileSystem.list(directory))
  if (generation === undefined) return 'by nobody'
  const content = await readFile(`${directory}/${lockFileName(generation)}`).catch(() => undefined)
  const file = content === undefined ? undefined : decodeLockFile(content)
  if (file === undefined) return 'the lock file cannot be read'
  const { pid } = file.holder
  if (file.state === 'released') return `by nobody; process ${pid} closed it`
  const sign = `${directory}/${signFileName(generation, file.nonce)}`
  const verdict = await systemProcesses.judge(file.holder, sign)
  if (verdict === 'alive') return `by process ${pid}`
  if (verdict === 'dead') return `no more: process ${pid} is gone`
  return `by process ${pid} of namespaces ${file.holder.namespaces}, if it lives: that cannot be seen from here`
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
