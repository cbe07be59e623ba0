import type { EngineObserver } from './observer.ts'

// The type refuses a method that is missing here.
const METHODS: Readonly<Record<keyof EngineObserver, true>> = {
  operation: true,
  written: true,
  batch: true,
  flushed: true,
  filterChecked: true,
  falsePositive: true,
  evicted: true,
  retried: true,
  parked: true,
  superseded: true,
  merkle: true,
  failed: true,
  startStep: true,
  started: true,
  phaseChanged: true,
  trust: true,
  repaired: true,
  backendHealth: true,
  breaker: true,
  fault: true,
  gauges: true,
}

/**
 * One observer that tells several. A method none of them has stays undefined, so it costs nothing. What an observer
 * throws becomes a warning of the process: a defect there must not fail a call of the engine.
 */
export function combineObservers(observers: readonly EngineObserver[]): EngineObserver {
  const combined: Partial<Record<keyof EngineObserver, (event: never) => void>> = {}
  for (const method of Object.keys(METHODS) as (keyof EngineObserver)[]) {
    const listeners = observers.flatMap((observer) => {
      const listener = observer[method] as ((event: never) => void) | undefined
      return listener === undefined ? [] : [guarded(method, listener.bind(observer))]
    })
    const [first, ...others] = listeners
    if (first === undefined) continue
    combined[method] =
      others.length === 0
        ? first
        : (event) => {
            for (const listener of listeners) listener(event)
          }
  }
  return combined as EngineObserver
}

function guarded(method: string, listener: (event: never) => void): (event: never) => void {
  return (event) => {
    try {
      listener(event)
    } catch (error) {
      process.emitWarning(`the engine's observer threw in ${method}: ${String(error)}`, 'SeEngineObserver')
    }
  }
}
