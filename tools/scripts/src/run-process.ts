import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const workspaceRoot = fileURLToPath(new URL('../../..', import.meta.url))

export interface ProcessOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * Ends the process, and counts as a failure. Those it started end with it, however it ends: by this, by itself, or because this
   * process ends. Default: never.
   */
  readonly timeoutMs?: number
  /** Collects what the process prints instead of passing it on. */
  readonly quiet?: boolean
}

export interface ProcessResult {
  /** 128 + signal number when a signal ended it. */
  readonly exitCode: number
  /** Both streams, when `quiet`. */
  readonly output: string
}

/** Runs a program of this workspace's Node to its end. SIGINT and SIGTERM of this process are waited for, not skipped. */
export function runNode(
  script: string,
  parameters: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    // A file of the workspace finds the sources of its packages, whether they are built or not.
    const conditions = script.endsWith('.ts') ? ['--conditions=@se/source'] : []
    const child = spawn(process.execPath, [...conditions, script, ...parameters], {
      cwd: options.cwd ?? workspaceRoot,
      env: { ...process.env, ...options.env },
      stdio: options.quiet === true ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      detached: options.timeoutMs !== undefined,
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A worker of Vitest in an endless loop outlives Vitest, hence the whole group.
    const endGroup = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(endGroup, options.timeoutMs)
    if (options.timeoutMs !== undefined) {
      process.on('exit', endGroup)
      child.on('exit', endGroup)
    }
    const passOn = (signal: NodeJS.Signals) => child.kill(signal)
    process.on('SIGINT', passOn)
    process.on('SIGTERM', passOn)
    const settle = () => {
      clearTimeout(timer)
      process.off('exit', endGroup)
      process.off('SIGINT', passOn)
      process.off('SIGTERM', passOn)
    }
    child.on('error', (error) => {
      settle()
      reject(error)
    })
    child.on('close', (code, signal) => {
      settle()
      const exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal]
      resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') })
    })
  })
}

/** The file behind a command of an installed package, found without a shell. */
export function packageBin(packageName: string, command = packageName): string {
  const manifestFile = createRequire(import.meta.url).resolve(`${packageName}/package.json`)
  const { bin } = JSON.parse(readFileSync(manifestFile, 'utf8')) as { bin: string | Record<string, string> }
  const file = typeof bin === 'string' ? bin : bin[command]
  if (file === undefined) throw new Error(`${packageName} has no command ${command}`)
  return path.join(path.dirname(manifestFile), file)
}

/** Nx without cloud, daemon or terminal UI: the same in a terminal and in CI. */
export function runNx(
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: Pick<ProcessOptions, 'quiet'> = {},
): Promise<ProcessResult> {
  return runNode(packageBin('nx'), parameters, {
    ...options,
    env: { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_TUI: 'false', ...env },
  })
}
