import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { InvalidInput, type Random } from '@se/core'
import { ChildEndedEarly } from './errors.ts'
import { endAtExit } from './services/end-at-exit.ts'

const STDERR_CHARS_MAX = 64_000

export interface ChildOptions {
  /** The TypeScript (or JavaScript) file to run, absolute. */
  readonly file: string | URL
  readonly args?: readonly string[]
  /** Added to this process' environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: this process' working directory. */
  readonly cwd?: string
  /** User and group the child runs as; only root may choose. Default: this process' own. */
  readonly userId?: number
  /** A command that runs the child: `['unshare', '--pid', '--fork', '--kill-child']`. Default: none. */
  readonly under?: readonly string[]
}

/** How a child ended: one of the two is set. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Text that occurs in the line, a pattern, or any condition. */
export type LineMatch = string | RegExp | ((line: string) => boolean)

export interface RandomMoment {
  /** Where the moment comes from; seed it, print the seed. */
  readonly random: Random
  /** The kill falls uniformly within this time, in milliseconds. */
  readonly withinMs: number
  /** The time runs from the first line that matches; default: from now. */
  readonly afterLine?: LineMatch
}

/** A child process that a test kills. */
export interface KillableProcess {
  readonly pid: number
  /**
   * The complete lines it has printed so far. A line cut off by the kill is not among them, so a line `acknowledged 7`
   * proves that the child came that far.
   */
  readonly lines: readonly string[]
  /** What it wrote to standard error so far (the last 64,000 characters). */
  readonly stderr: string
  /** Resolves when it has ended and all it printed is in `lines`. Never rejects. */
  readonly ended: Promise<ChildEnd>
  /**
   * The first line that matches, of those printed already or later.
   *
   * @throws ChildEndedEarly when it ends without such a line
   */
  waitForLine(match: LineMatch): Promise<string>
  /** Writes a line to its standard input. */
  send(line: string): void
  /** Sends the signal (default SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ChildEnd>
  /** SIGKILL as soon as such a line has been read. Resolves at its end, also when it ends before that by itself. */
  killOnLine(match: LineMatch): Promise<ChildEnd>
  /** SIGKILL at a random moment. Resolves at its end, also when it ends before that by itself. */
  killAtRandomMoment(moment: RandomMoment): Promise<ChildEnd>
}

/**
 * Runs a file in a Node process of its own, with workspace packages resolved from source.
 *
 * The child is killed when this process exits.
 */
export function startKillableProcess(options: ChildOptions): KillableProcess {
  const file = options.file instanceof URL ? fileURLToPath(options.file) : options.file
  const [command, ...args] = [
    ...(options.under ?? []),
    ...[process.execPath, '--conditions=@se/source', file],
    ...(options.args ?? []),
  ]
  const child = spawn(command!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.userId === undefined ? {} : { uid: options.userId, gid: options.userId }),
  })
  const lines: string[] = []
  const watchers = new Set<(line: string) => void>()
  let unfinished = ''
  let stderr = ''

  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    const parts = (unfinished + text).split('\n')
    unfinished = parts.pop() ?? ''
    for (const line of parts) {
      lines.push(line)
      for (const watch of watchers) watch(line)
    }
  })
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS_MAX)
  })
  // Writing to a child that has just been killed is not an error of the test.
  child.stdin.on('error', () => undefined)

  const disarm = endAtExit(() => {
    child.kill('SIGKILL')
  })
  const ended = new Promise<ChildEnd>((resolve) => {
    const finish = (end: ChildEnd) => {
      disarm()
      resolve(end)
    }
    child.once('error', (error) => {
      stderr += error.message
      finish({ code: null, signal: null })
    })
    child.once('close', (code, signal) => {
      finish({ code, signal })
    })
  })

  /** Calls back once, in the very turn in which the line was read. */
  function onFirst(match: LineMatch, found: (line: string) => void): () => void {
    const earlier = lines.find((line) => isMatch(line, match))
    if (earlier !== undefined) {
      found(earlier)
      return () => undefined
    }
    const watch = (line: string) => {
      if (!isMatch(line, match)) return
      watchers.delete(watch)
      found(line)
    }
    watchers.add(watch)
    return () => watchers.delete(watch)
  }

  return {
    pid: child.pid ?? 0,
    lines,
    get stderr() {
      return stderr
    },
    ended,
    waitForLine(match) {
      return new Promise((resolve, reject) => {
        const forget = onFirst(match, resolve)
        void ended.then((end) => {
          forget()
          const how = end.signal ?? `exit code ${String(end.code)}`
          reject(
            new ChildEndedEarly(`${file} ended (${how}) before a line matched ${String(match)}\n${stderr}`),
          )
        })
      })
    },
    send(line) {
      child.stdin.write(`${line}\n`)
    },
    kill(signal = 'SIGKILL') {
      child.kill(signal)
      return ended
    },
    killOnLine(match) {
      const forget = onFirst(match, () => child.kill('SIGKILL'))
      return ended.finally(forget)
    },
    killAtRandomMoment({ random, withinMs, afterLine }) {
      if (!Number.isFinite(withinMs) || withinMs < 0) {
        throw new InvalidInput('withinMs', `must be a finite number of at least 0, is ${withinMs}`)
      }
      const delayMs = random.fraction() * withinMs
      let timer: NodeJS.Timeout | undefined
      const start = () => {
        timer = setTimeout(() => child.kill('SIGKILL'), delayMs)
      }
      const forget = afterLine === undefined ? undefined : onFirst(afterLine, start)
      if (afterLine === undefined) start()
      return ended.finally(() => {
        forget?.()
        clearTimeout(timer)
      })
    },
  }
}

function isMatch(line: string, match: LineMatch): boolean {
  if (typeof match === 'string') return line.includes(match)
  return match instanceof RegExp ? match.test(line) : match(line)
}
