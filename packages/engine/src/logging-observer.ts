import type { Logger } from './logger.ts'
import type { EngineObserver } from './observer.ts'
import { errorKind } from './observer.ts'

/** Log lines by level: one for each start step, flush, trust change, repair and fault, with its figures in fields. */
export function createLoggingObserver(logger: Logger): EngineObserver {
  return {
    startStep: ({ phase, durationMs, figures }) =>
      logger.info({ event: 'start-step', phase, durationMs, ...figures }, `start: ${phase}`),
    started: (event) =>
      logger.info({ event: 'started', ...event }, event.isDegraded ? 'ready, degraded' : 'ready'),
    phaseChanged: (event) => logger.debug({ event: 'phase', ...event }, `${event.from} to ${event.to}`),
    flushed: (event) => {
      const line = { event: 'flush', ...event }
      if (event.status === 'success') logger.info(line, 'flushed')
      else logger.warn(line, 'flush failed, will be tried again')
    },
    parked: (event) => logger.error({ event: 'parked', ...event }, 'items parked: the archive refuses them'),
    superseded: (event) => logger.info({ event: 'superseded', ...event }, 'own writes met newer ones'),
    trust: (event) => {
      const line = { event: 'trust', ...event }
      if (event.isTrusted) logger.info(line, `${event.view} trusted`)
      else logger.warn(line, `${event.view} untrusted: ${event.because}`)
    },
    repaired: (event) => logger.warn({ event: 'repair', ...event }, `${event.view} repaired`),
    backendHealth: (event) => {
      const line = { event: 'health', ...event }
      if (event.isHealthy) logger.info(line, `${event.backend} answers`)
      else logger.warn(line, `${event.backend} does not answer`)
    },
    breaker: (event) =>
      logger.info({ event: 'breaker', ...event }, `${event.backend} breaker ${event.state}`),
    fault: ({ part, what, error }) =>
      logger.error({ event: 'fault', part, kind: errorKind(error), err: error }, what),
  }
}
