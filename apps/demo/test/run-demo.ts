import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const MAIN_FILE = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** A test starts dozens of processes; this halves what each takes to load the sources. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/se-demo-compile', import.meta.url))

export interface DemoRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface DemoOptions {
  /** SE_DATA_DIR and the like; nothing of that kind comes from our own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** False: no redis-server is found on PATH. Default true. */
  readonly hasRedis?: boolean
  readonly stdin?: Uint8Array
  readonly cwd?: string
}

/** The environment of a demo process that knows of no servers but those given. */
export function demoEnvironment({ env = {}, hasRedis = true }: DemoOptions): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(SE_|INIT_CWD$|NODE_OPTIONS$)/.test(entry[0]),
  )
  return {
    ...Object.fromEntries(own),
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...(hasRedis ? {} : { PATH: '/nonexistent' }),
    ...env,
  }
}

/** Runs the demo as a user does, in a process of its own. */
export function runDemo(args: readonly string[], options: DemoOptions = {}): Promise<DemoRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@se/source', MAIN_FILE, ...args], {
      env: demoEnvironment(options),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdin.on('error', () => {})
    child.stdin.end(options.stdin)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** A directory that is removed when the work is done. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'se-demo-test-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}
