const cleanups = new Set<() => void>()
const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let isArmed = false

/**
 * Has `cleanup` called when this process exits, in whatever way it can still notice: its end, `process.exit`, an
 * uncaught exception, a signal that asks it to end.
 *
 * @param cleanup synchronous; what it throws is dropped, because the next cleanup must run all the same
 * @returns takes it back, for when the work has been done in the ordinary way
 */
export function endAtExit(cleanup: () => void): () => void {
  cleanups.add(cleanup)
  if (!isArmed) {
    isArmed = true
    process.on('exit', runCleanups)
    for (const signal of FATAL_SIGNALS) process.on(signal, onSignal)
  }
  return () => {
    cleanups.delete(cleanup)
  }
}

function runCleanups(): void {
  for (const cleanup of cleanups) {
    try {
      cleanup()
    } catch {
      // A directory whose server is still writing its last file: the next acquire removes it.
    }
  }
  cleanups.clear()
}

function onSignal(signal: NodeJS.Signals): void {
  runCleanups()
  process.removeListener(signal, onSignal)
  // A listener switches the default off. Where ours was the only one, the process must still end by the signal.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}
