import type { EngineStatus } from '@se/engine'

/** Whether this process should get requests, and why not. */
export interface Readiness {
  readonly isReady: boolean
  readonly because: string
}

/**
 * Ready: the engine is, the archive answers, and the process was not asked to end. A cache that is down does not count:
 * the engine is complete without it.
 *
 * @param archiveBackend as the gauges name it: `mysql` or `sqlite`
 */
export function readinessOf(
  status: Pick<EngineStatus, 'phase' | 'gauges'>,
  archiveBackend: string,
  isStopping: boolean,
): Readiness {
  if (isStopping) return { isReady: false, because: 'the server is stopping' }
  if (status.phase !== 'Ready') return { isReady: false, because: `the engine is ${status.phase}` }
  if (status.gauges.backendHealthy[archiveBackend] !== true) {
    return { isReady: false, because: `${archiveBackend} does not answer` }
  }
  return { isReady: true, because: 'the engine is Ready and the archive answers' }
}
