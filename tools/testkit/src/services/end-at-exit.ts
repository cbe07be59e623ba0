import { removePrivateDirectory } from './private-directory.ts'
import { signalProcess, type ProcessIdentity } from './process-identity.ts'

/** A directory, and the server in it once there is one, that must not outlive this process. */
export interface ExitEntry {
  readonly directory: string
  server: ProcessIdentity | undefined
}

const entries = new Set<ExitEntry>()
const fatalSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let isArmed = false

/** Ends the entry's server and removes its directory when this process exits or is told to by a signal. */
export function endAtExit(entry: ExitEntry): void {
  entries.add(entry)
  if (isArmed) return
  isArmed = true
  process.on('exit', endAll)
  for (const signal of fatalSignals) process.on(signal, onSignal)
}

/** The entry has been ended in the ordinary way. */
export function disarm(entry: ExitEntry): void {
  entries.delete(entry)
}

function endAll(): void {
  for (const entry of entries) {
    if (entry.server !== undefined) signalProcess(entry.server, 'SIGKILL')
    try {
      removePrivateDirectory(entry.directory)
    } catch {
      // The server is still writing its last file; the next acquire removes the directory.
    }
  }
  entries.clear()
}

function onSignal(signal: NodeJS.Signals): void {
  endAll()
  process.removeListener(signal, onSignal)
  // A listener switches the default off. Where ours was the only one, the process must still end by the signal.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}
