import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ScriptSettings } from './script.ts'

const SCRIPT_FILE = fileURLToPath(new URL('script.ts', import.meta.url))

/** What the script said, in order. */
export type Said = Readonly<Record<string, unknown>> & { readonly what: string }

/** A script that runs, or has ended. */
export interface RunningScript {
  readonly pid: number
  readonly said: readonly Said[]
  /** Waits until it has said something. @throws Error when it ends without */
  heard(what: string): Promise<Said>
  /** Goes on: it waits for a word. */
  go(): void
  signal(signal: NodeJS.Signals): void
  /** How it ended; with the time from `go` (or the start), ms. */
  readonly ended: Promise<{
    readonly code: number | null
    readonly signal: string | null
    readonly tookMs: number
  }>
}

export interface RunOptions {
  /** As whom; default: as whoever runs the tests. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

export function runScript(task: string, settings: ScriptSettings, { user }: RunOptions = {}): RunningScript {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@se/source', SCRIPT_FILE, task, JSON.stringify(settings)],
    { stdio: ['pipe', 'pipe', 'pipe'], ...user },
  )
  const said: Said[] = []
  const listeners = new Set<() => void>()
  let rest = ''
  let stderr = ''
  let sinceMs = performance.now()
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line) as Said)
    for (const listener of listeners) listener()
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin!.on('error', () => {})
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const ended = new Promise<{ code: number | null; signal: string | null; tookMs: number }>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', killAtExit)
      resolve({ code, signal, tookMs: performance.now() - sinceMs })
    })
  })
  return {
    pid: child.pid!,
    said,
    heard(what) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = said.find((each) => each.what === what)
          if (found === undefined) return
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        void ended.then(({ code, signal }) =>
          reject(
            new Error(
              `ended (${signal ?? code}) without saying "${what}", but: ${JSON.stringify(said)}\n${stderr}`,
            ),
          ),
        )
        look()
      })
    },
    go() {
      sinceMs = performance.now()
      child.stdin!.write('go\n')
    },
    signal: (signal) => void child.kill(signal),
    ended,
  }
}

/** A directory for the log of one script, which an ordinary user may write. */
export function scriptDirectory(user?: { readonly uid: number; readonly gid: number }): {
  readonly path: string
  remove(): void
} {
  const directory = mkdtempSync(path.join(tmpdir(), 'se-endings-'))
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Somebody without rights, where we may become him. */
export function ordinaryUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout)
  const user = { uid: id('-u'), gid: id('-g') }
  return Number.isInteger(user.uid) && user.uid > 0 ? user : undefined
}
