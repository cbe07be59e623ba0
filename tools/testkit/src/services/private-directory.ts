import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identifyProcess, isRunning, signalProcess, type ProcessIdentity } from './process-identity.ts'

const DIRECTORY_PREFIX = 'se-testkit-'
const RECORD_NAME = 'owner.json'
const GONE_POLL_MS = 5
/** A directory without a readable record is somebody's half-made one until it is this old. */
const UNRECORDED_AGE_MS_MAX = 10 * 60_000

/** What lies in a private directory's `owner.json`, so that another process can clean up after a dead owner. */
interface OwnerRecord {
  /** The process whose end makes the directory stale; null: kept until told otherwise (`npm run services`). */
  readonly owner: ProcessIdentity | null
  readonly server: ProcessIdentity | null
}

/** Creates a temporary directory that belongs to this process (or to nobody in particular, if `isDetached`). */
export function createPrivateDirectory(isDetached: boolean): string {
  const directory = mkdtempSync(join(tmpdir(), DIRECTORY_PREFIX))
  // Started by root, the SQL server gives up its rights and must still reach its data below.
  chmodSync(directory, 0o711)
  recordServer(directory, isDetached, null)
  return directory
}

/** Notes which server runs in the directory. Replaces the record in one step, so that a reader never sees half of one. */
export function recordServer(directory: string, isDetached: boolean, server: ProcessIdentity | null): void {
  const record: OwnerRecord = { owner: isDetached ? null : (identifyProcess(process.pid) ?? null), server }
  const path = join(directory, RECORD_NAME)
  writeFileSync(`${path}.new`, JSON.stringify(record))
  renameSync(`${path}.new`, path)
}

/** Removes a directory and all in it; a server killed a moment ago may still be letting go of its files. */
export function removePrivateDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
}

/**
 * Ends the servers and removes the directories that processes left behind which are no longer running.
 *
 * A server is ended only if its pid is still the very process that was recorded. Directories of other
 * users, of running owners and of `npm run services` are left alone.
 *
 * @returns the directories removed
 */
export function reapStaleDirectories(): string[] {
  const reaped: string[] = []
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(DIRECTORY_PREFIX)) continue
    const directory = join(tmpdir(), name)
    try {
      const stats = statSync(directory)
      // A stranger's directory must not tell us what to kill.
      if (!stats.isDirectory() || stats.uid !== process.getuid?.()) continue
      const record = readRecord(directory)
      if (record === undefined) {
        if (Date.now() - stats.mtimeMs < UNRECORDED_AGE_MS_MAX) continue
      } else {
        if (record.owner === null || isRunning(record.owner)) continue
      }
      reap(directory)
      reaped.push(directory)
    } catch {
      // Somebody else is removing it, or it is not ours to remove.
    }
  }
  return reaped
}

/**
 * Ends the server of a directory, if it is still the one recorded there, and removes the directory.
 *
 * @returns once the server is gone: on a busy machine that is some time after it was told to, and until then it answers
 */
export async function endRecordedServer(directory: string): Promise<void> {
  const server = runningServer(directory)
  if (server !== undefined) {
    signalProcess(server, 'SIGKILL')
    while (isRunning(server)) await delay(GONE_POLL_MS)
  }
  removePrivateDirectory(directory)
}

/** The same without waiting. */
function reap(directory: string): void {
  const server = readRecord(directory)?.server
  if (server) signalProcess(server, 'SIGKILL')
  removePrivateDirectory(directory)
}

/** The process that runs in the directory, while it does. */
export function runningServer(directory: string): ProcessIdentity | undefined {
  const server = readRecord(directory)?.server
  return server && isRunning(server) ? server : undefined
}

function readRecord(directory: string): OwnerRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, RECORD_NAME), 'utf8')) as OwnerRecord
  } catch {
    return undefined
  }
}
