import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** A Redis server of our own, ended with us. */
export interface PrivateRedis {
  readonly url: string
  stop(): Promise<void>
}

/** Another run has its Redis in this directory, or one has died a moment ago and its Redis does not end. */
export class RedisDirectoryInUse extends Error {
  override readonly name = 'RedisDirectoryInUse'
}

const START_MS_MAX = 10_000
const LEFTOVER_MS_MAX = 5_000
const ATTEMPTS_MAX = 3
/** Names the port of the server that has the directory. */
const PORT_FILE = 'server.port'

/**
 * Ends the server when our end of its standard input closes: that happens at every end of this process, also when it
 * is killed. The shell is in a session of its own, so that Ctrl-C in a terminal reaches the engine first.
 */
const GUARD = [
  'exec 3<&0',
  '"$@" 3<&- & server=$!',
  '(read -r _ <&3; kill -TERM "$server") & watcher=$!',
  'wait "$server"; code=$?',
  'kill "$watcher" 2>/dev/null',
  'exit "$code"',
].join('\n')

/** Path of `redis-server`, or `undefined` when there is none on PATH. */
export async function findRedisServer(): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory === '') continue
    const path = join(directory, 'redis-server')
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isExecutable) return path
  }
  return undefined
}

/**
 * @param directory for its append-only file: what one run caches is there in the next
 * @throws RedisDirectoryInUse; Error with what the server said, when it does not come up
 */
export async function startPrivateRedis(binary: string, directory: string): Promise<PrivateRedis> {
  await mkdir(directory, { recursive: true })
  await waitForLeftover(directory)
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    await writeFile(join(directory, PORT_FILE), String(port))
    const server = spawn(
      '/bin/sh',
      [
        ...['-c', GUARD, 'guard', binary, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
        ...['--save', '', '--appendonly', 'yes'],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    )
    let output = ''
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => (output = (output + text).slice(-4_000)))
    }
    server.stdin.on('error', () => {})
    const stop = async () => {
      const ended = new Promise((resolve) => server.once('close', resolve))
      server.stdin.end()
      if (server.exitCode === null && server.signalCode === null) await ended
      await rm(join(directory, PORT_FILE), { force: true })
    }
    if (await isReady(server, port, directory)) return { url: `redis://127.0.0.1:${port}`, stop }
    await stop()
    // Another process may have taken the port between our look and the server's.
    if (attempt === ATTEMPTS_MAX) {
      throw new Error(`redis-server does not start: ${output.trim().split('\n').at(-1) ?? ''}`)
    }
  }
}

/** A run that was killed leaves its Redis for the moment its guard takes to notice. */
async function waitForLeftover(directory: string): Promise<void> {
  const text = await readFile(join(directory, PORT_FILE), 'utf8').catch(() => '')
  const port = Number(text)
  if (!Number.isInteger(port) || port <= 0) return
  const untilMs = performance.now() + LEFTOVER_MS_MAX
  while (await servesDirectory(port, directory)) {
    if (performance.now() > untilMs) {
      throw new RedisDirectoryInUse(`${directory} is in use by the Redis of another run`)
    }
    await pause(20)
  }
}

async function isReady(server: ChildProcess, port: number, directory: string): Promise<boolean> {
  const untilMs = performance.now() + START_MS_MAX
  while (server.exitCode === null && server.signalCode === null && performance.now() < untilMs) {
    if (await servesDirectory(port, directory)) return true
    await pause(10)
  }
  return false
}

/** Whether a Redis answers there, has loaded its data, and is the one of this directory. */
async function servesDirectory(port: number, directory: string): Promise<boolean> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const answer = (await client.config('GET', 'dir')) as Record<string, string> | string[]
    const [, dir] = Array.isArray(answer) ? answer : Object.entries(answer).flat()
    return dir === directory
  } catch {
    return false
  } finally {
    // Of one that has ended, ioredis would wait for the end: 2 s, in a timer that keeps the process alive.
    if (client.status !== 'end') client.disconnect()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
