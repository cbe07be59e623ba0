import { fork } from 'node:child_process'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import type { BenchFile } from './case.ts'
import type { CaseOutcome } from './run-cases.ts'

/** What a case that does not look at the clock gets on top of the time limit before it is ended and counted as crashed. */
const GRACE_MS = 60_000
/**
 * Share of the machine's memory that a process may use for objects. By itself V8 stops at some 4 GiB, where a peer whose
 * entries are objects runs into the heap's limit (and into ever more garbage collection before) long before it holds what ours
 * holds outside the heap. The rest is for that, and for the system.
 */
const HEAP_SHARE = 0.7

export type CaseEnd =
  | CaseOutcome
  /** There is no outcome; `because` says why in words. */
  | { readonly kind: 'crashed'; readonly case: string; readonly because: string }

/** The names of the cases of one file, one list for each process to start. */
export function groupByProcess(cases: BenchFile['cases']): string[][] {
  const groups = new Map<string | symbol, string[]>()
  for (const { case: name, process } of cases) {
    const key = process ?? Symbol(name)
    groups.set(key, [...(groups.get(key) ?? []), name])
  }
  return [...groups.values()]
}

/**
 * Runs cases of one file in one new process, and tells of each how it ended, as soon as it has.
 *
 * A crash takes those behind it along: what they would share may be broken.
 *
 * @param deadlineMs on `now`'s clock; what has not begun by then is left out
 */
export async function runInChild(
  file: string,
  names: readonly string[],
  deadlineMs: number,
  onEnd: (end: CaseEnd) => void,
  now: () => number = Date.now,
): Promise<void> {
  if (now() > deadlineMs) {
    for (const name of names) onEnd({ kind: 'left out', case: name })
    return
  }
  const child = fork(
    fileURLToPath(new URL('./run-cases.ts', import.meta.url)),
    [file, String(deadlineMs), ...names],
    {
      execArgv: ['--conditions=@se/source', '--expose-gc', `--max-old-space-size=${heapMiB()}`],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // As JSON, a figure that is no number would come as an empty cell.
      serialization: 'advanced',
    },
  )
  let ended = 0
  child.on('message', (message: CaseOutcome | null) => {
    // What a case measures may send messages of its own.
    const awaited = names[ended]
    if (awaited === undefined || message?.case !== awaited) return
    ended++
    onEnd(message)
  })
  let isOverdue = false
  const timer = setTimeout(
    () => {
      isOverdue = true
      child.kill('SIGKILL')
    },
    deadlineMs + GRACE_MS - now(),
  )
  const because = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    // Not 'exit', which may come before the last message.
    child.on('close', (code, signal) => {
      const end = signal === null ? `exit code ${code}` : `ended by ${signal}`
      resolve(isOverdue ? `still running ${GRACE_MS / 1_000} s after the time limit, ${end}` : end)
    })
  })
  clearTimeout(timer)
  const [crashed, ...behind] = names.slice(ended)
  if (crashed === undefined) return
  onEnd({ kind: 'crashed', case: crashed, because })
  for (const name of behind) {
    onEnd({ kind: 'crashed', case: name, because: `not run, ${crashed} crashed in the process they share` })
  }
}

function heapMiB(): number {
  // 0: no limit is known.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return Math.floor((Math.min(os.totalmem(), limit) * HEAP_SHARE) / 2 ** 20)
}
