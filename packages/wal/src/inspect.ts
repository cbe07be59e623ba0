import { readFile } from 'node:fs/promises'
import { nodeFileSystem } from '@se/core/node'
import { LOCK_FILE_NAME, parseIdentity } from './lock.ts'
import { systemProcesses } from './process-identity.ts'
import { surveyLog, type Survey } from './survey.ts'

/** The exit codes of the command line. */
export const EXIT = { whole: 0, damaged: 1, usage: 2 } as const

/** What is in the directory, as lines of text. */
export async function inspect(directory: string): Promise<{ lines: string[]; exitCode: number }> {
  const survey = await surveyLog(directory, { fileSystem: nodeFileSystem })
  const rows = [['file', 'state', 'first', 'last', 'groups', 'used', 'size']]
  for (const segment of survey.segments) {
    const { header } = segment
    const isEmpty = segment.lastSequence < segment.firstSequence
    rows.push([
      segment.file,
      header.isPrepared && segment.groupCount === 0 ? 'prepared' : segment === survey.last ? 'last' : 'full',
      isEmpty ? '-' : String(segment.firstSequence),
      isEmpty ? '-' : String(segment.lastSequence),
      String(segment.groupCount),
      String(segment.end),
      String(header.segmentBytes),
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

/** Whether the log is whole, as one line, and what is wrong with it. */
export async function verify(directory: string): Promise<{ lines: string[]; exitCode: number }> {
  const survey = await surveyLog(directory, { fileSystem: nodeFileSystem })
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
  if (survey.tail.kind === 'torn') {
    const { file, end } = survey.last
    return {
      state: `whole but for a torn tail in ${file} at byte ${end}, which opening cuts (or a write that is under way)`,
      exitCode: EXIT.whole,
    }
  }
  return { state: survey.isClosed ? 'whole, closed in order' : 'whole', exitCode: EXIT.whole }
}

async function holder(directory: string): Promise<string> {
  const content = await readFile(`${directory}/${LOCK_FILE_NAME}`).catch(() => undefined)
  if (content === undefined) return 'by nobody'
  const identity = parseIdentity(content)
  if (identity === undefined) return 'the lock file cannot be read'
  return systemProcesses.isAlive(identity)
    ? `by process ${identity.pid}`
    : `no more: process ${identity.pid} is gone`
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
