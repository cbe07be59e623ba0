import { readFileSync, readlinkSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { basename, dirname } from 'node:path'
import type { FileSystem } from '@se/core'
import { nodeFileSystem } from '@se/core/node'
import { judgeHolder, type Evidence, type Processes } from './process-identity.ts'

/** A path of a socket that is longer is cut by the system or refused; 108 bytes on Linux, 104 elsewhere, with the zero. */
const SOCKET_PATH_BYTES_MAX = 103
/** How long a process that does not refuse may take to answer, ms. */
const ANSWER_MS = 1000

/**
 * File systems that a single machine mounts once, by the number `statfs` gives: btrfs, ext4, f2fs, overlay, tmpfs, xfs, zfs. All
 * others may be shared: NFS, SMB, Ceph, 9p, and FUSE, behind which there may be anything.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9123683e, 0xef53, 0xf2f52010, 0x794c7630, 0x01021994, 0x58465342, 0x2fc12fc1,
])

/**
 * Linux: boot id, start times and namespaces from /proc. Everywhere but on Windows: the sign is a socket in the log's directory, on which
 * the process listens. The kernel answers for it, also while the process is stopped, and refuses as soon as it is
 * dead; the path leads there from every namespace that has the directory.
 */
export const systemProcesses: Processes = {
  self: () => ({
    pid: process.pid,
    bootId: readText('/proc/sys/kernel/random/boot_id')?.trim() || `host:${hostname()}`,
    startTime: startTimeIn(readText('/proc/self/stat')),
    namespaces: ['pid', 'time'].map((kind) => readLink(`/proc/self/ns/${kind}`)).join(' '),
  }),
  announce,
  judge: (holder, signPath) => judgeHolder(holder, systemProcesses.self(), systemEvidence(signPath)),
  answers: async (signPath) => (await askSign(signPath)) === 'answers',
}

/** The same on a file system that is not the operating system's: no socket can be in it. */
const processesWithoutSigns: Processes = {
  ...systemProcesses,
  announce: async () => async () => {},
  judge: (holder, signPath) =>
    judgeHolder(holder, systemProcesses.self(), { ...systemEvidence(signPath), sign: async () => 'silent' }),
  answers: async () => false,
}

/** What is asked about the holders of locks on this file system, unless the options give another one. */
export function processesOf(fileSystem: FileSystem): Processes {
  return fileSystem === nodeFileSystem ? systemProcesses : processesWithoutSigns
}

function systemEvidence(signPath: string): Evidence {
  return {
    startTime(pid) {
      try {
        process.kill(pid, 0)
      } catch (error) {
        // EPERM: it lives, and belongs to another user.
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
      }
      // A /proc of another namespace shows other processes under these pids.
      const isOurs = readLink('/proc/self') === String(process.pid)
      return isOurs ? startTimeIn(readText(`/proc/${pid}/stat`)) : ''
    },
    sign: () => askSign(signPath),
    async isLocal() {
      const { type } = await statfs(dirname(signPath))
      return LOCAL_FILE_SYSTEMS.has(type >>> 0)
    },
  }
}

/** Field 22, clock ticks since boot. The name in field 2 may hold spaces and brackets. */
function startTimeIn(stat: string | undefined): string {
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

async function announce(path: string): Promise<() => Promise<void>> {
  if (process.platform === 'win32') return async () => {}
  const socket = await reachSocket(path)
  if (socket === undefined) return async () => {}
  const server = createServer((connection) => connection.destroy())
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    // Not shared with other workers of a cluster; and other users may ask.
    server.listen({ path: socket.path, exclusive: true, writableAll: true }, () => resolve(true))
  })
  if (!isListening) {
    // The file system has no sockets, or the path is too long.
    await socket.release()
    return async () => {}
  }
  server.on('error', () => {})
  server.unref()
  return async () => {
    // Closing also removes the file.
    await new Promise<void>((resolve) => server.close(() => resolve()))
    await socket.release()
  }
}

type SignAnswer = 'answers' | 'refuses' | 'silent'

/** What an error of the connection says; any other: nothing, as a time-out. */
const ANSWERS_BY_CODE: Readonly<Record<string, SignAnswer>> = {
  // A process listens, and more processes ask than it has let in.
  EAGAIN: 'answers',
  ECONNREFUSED: 'refuses',
}

async function askSign(path: string): Promise<SignAnswer> {
  if (process.platform === 'win32') return 'silent'
  const socket = await reachSocket(path)
  if (socket === undefined) return 'silent'
  try {
    return await new Promise((resolve) => {
      const connection = connect(socket.path)
      const timer = setTimeout(() => settle('silent'), ANSWER_MS)
      const settle = (answer: SignAnswer): void => {
        clearTimeout(timer)
        connection.destroy()
        resolve(answer)
      }
      connection.once('connect', () => settle('answers'))
      connection.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
        settle(ANSWERS_BY_CODE[code] ?? 'silent')
      })
    })
  } finally {
    await socket.release()
  }
}

/** The path of a socket, in a form short enough; a long one leads over a descriptor of the directory. */
async function reachSocket(
  path: string,
): Promise<{ path: string; release: () => Promise<void> } | undefined> {
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path, release: async () => {} }
  if (process.platform !== 'linux') return undefined
  const directory = await open(dirname(path), 'r').catch(() => undefined)
  if (directory === undefined) return undefined
  return { path: `/proc/self/fd/${directory.fd}/${basename(path)}`, release: () => directory.close() }
}
