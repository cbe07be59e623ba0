import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TestServerUnavailable } from '../errors.ts'
import { endAtExit } from './end-at-exit.ts'
import { findFreePort } from './free-port.ts'
import { createPrivateDirectory, recordServer, removePrivateDirectory } from './private-directory.ts'
import {
  identifyProcess,
  isRunning,
  isStopped,
  signalProcess,
  type ProcessIdentity,
} from './process-identity.ts'

const PORT_ATTEMPTS_MAX = 5
const READY_POLL_MS = 5
const LOG_TAIL_BYTES = 2_000

/** The program to run, and its arguments. */
export interface ServerCommand {
  readonly file: string
  readonly args: readonly string[]
}

/** How one kind of server is prepared, started and recognised as ready. */
export interface ServerRecipe {
  /** For messages: `redis`, `mariadb`. */
  readonly name: string
  /** Fixed port; without it a free one is found. */
  readonly port?: number
  /** Survives the process that started it, until it is ended by its record (`npm run services`). */
  readonly isDetached?: boolean
  /** Longest time from spawn to the first answer, in milliseconds. */
  readonly readyWithinMs: number
  url(port: number): string
  /** Called once, before the first start, e.g. to create system tables. */
  prepare?(directory: string): Promise<void>
  /** Called before each start; a promise where the data must be looked at first. */
  command(directory: string, port: number): ServerCommand | Promise<ServerCommand>
  /** True when the server answers on the port and it is the one with this pid. */
  isReady(directory: string, port: number, pid: number): Promise<boolean>
}

/** A server of one's own, to be killed, emptied, filled and stalled at will. */
export interface PrivateServer {
  readonly url: string
  readonly port: number
  /** Process id; changes with `restart()`. */
  readonly pid: number
  /** Temporary directory with its data and `server.log`; removed by `stop()`. */
  readonly directory: string
  /** True while the process runs (also while paused). */
  readonly isRunning: boolean
  /** Ends it at once and removes its directory. Called again, it does nothing. */
  stop(): Promise<void>
  /** Sends the signal (default SIGKILL) and waits until the process is gone; its data stays for `restart()`. */
  kill(signal?: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGQUIT'): Promise<void>
  /** Starts it again on the same port and data; ends it first, in an orderly way, if it still runs. */
  restart(): Promise<void>
  /** Freezes the process (SIGSTOP): connections stay open and nothing answers. Resolves once it stands still. */
  pause(): Promise<void>
  /** Lets a paused process run on. */
  resume(): void
}

/**
 * Starts a server in a temporary directory and waits until it answers.
 *
 * It ends with this process, also when that ends by `process.exit`, an exception or a signal; after SIGKILL
 * the next `reapStaleDirectories()` of any process does it.
 *
 * @throws TestServerUnavailable with the end of the server's log when it does not come up
 */
export async function startServer(recipe: ServerRecipe): Promise<PrivateServer> {
  const isDetached = recipe.isDetached ?? false
  const directory = createPrivateDirectory(isDetached)
  let identity: ProcessIdentity | undefined
  const disarm = isDetached
    ? undefined
    : endAtExit(() => {
        if (identity !== undefined) signalProcess(identity, 'SIGKILL')
        removePrivateDirectory(directory)
      })

  let port = recipe.port ?? (await findFreePort())
  let child: ChildProcess | undefined
  let hasStopped = false

  async function launch(): Promise<void> {
    const { file, args } = await recipe.command(directory, port)
    const log = openSync(join(directory, 'server.log'), 'a')
    // A process group of its own: Ctrl-C in the terminal reaches the tests first, and they end their servers.
    const started = spawn(file, args, { stdio: ['ignore', log, log], detached: true, cwd: directory })
    closeSync(log)
    const failure = new Promise<Error>((resolve) => started.once('error', resolve))
    if (started.pid === undefined) throw unavailable(`cannot run ${file}: ${(await failure).message}`)
    child = started
    identity = identifyProcess(started.pid)
    recordServer(directory, isDetached, identity ?? null)
    started.unref()

    const deadline = performance.now() + recipe.readyWithinMs
    const exited = new Promise<boolean>((resolve) => started.once('exit', () => resolve(false)))
    while (!(await Promise.race([recipe.isReady(directory, port, started.pid), exited]))) {
      if (hasExited(started)) throw unavailable('it ended while starting')
      if (performance.now() > deadline) {
        await end('SIGKILL')
        throw unavailable(`no answer on port ${port} within ${recipe.readyWithinMs} ms`)
      }
      await delay(READY_POLL_MS)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child
    if (ending === undefined || hasExited(ending)) return
    const exited = new Promise((resolve) => ending.once('exit', resolve))
    ending.ref()
    ending.kill(signal)
    // A stopped process takes no signal but SIGKILL before it runs again.
    if (signal !== 'SIGKILL') ending.kill('SIGCONT')
    await exited
    identity = undefined
  }

  function unavailable(reason: string): TestServerUnavailable {
    return new TestServerUnavailable(`private ${recipe.name}: ${reason}\n${logTail(directory)}`.trimEnd())
  }

  async function stop(): Promise<void> {
    if (hasStopped) return
    hasStopped = true
    await end('SIGKILL')
    removePrivateDirectory(directory)
    disarm?.()
  }

  try {
    await recipe.prepare?.(directory)
    for (let attempt = 1; ; attempt++) {
      try {
        await launch()
        break
      } catch (error) {
        const isTaken = /in use|bind/i.test(logTail(directory))
        if (recipe.port !== undefined || !isTaken || attempt >= PORT_ATTEMPTS_MAX) throw error
        port = await findFreePort()
      }
    }
  } catch (error) {
    await stop()
    throw error
  }

  function refuseAfterStop(): void {
    if (hasStopped) throw new TestServerUnavailable(`private ${recipe.name}: stopped, its data is gone`)
  }

  return {
    url: recipe.url(port),
    port,
    get pid() {
      return child?.pid ?? 0
    },
    directory,
    get isRunning() {
      return identity !== undefined && isRunning(identity)
    },
    stop,
    async kill(signal = 'SIGKILL') {
      refuseAfterStop()
      await end(signal)
    },
    async restart() {
      refuseAfterStop()
      await end('SIGTERM')
      await launch()
    },
    async pause() {
      refuseAfterStop()
      if (child?.pid === undefined || hasExited(child))
        throw unavailable('it does not run, and cannot be paused')
      child.kill('SIGSTOP')
      while (!isStopped(child.pid) && !hasExited(child)) await delay(1)
    },
    resume() {
      refuseAfterStop()
      child?.kill('SIGCONT')
    },
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function logTail(directory: string): string {
  try {
    return readFileSync(join(directory, 'server.log'), 'utf8').slice(-LOG_TAIL_BYTES)
  } catch {
    return ''
  }
}
