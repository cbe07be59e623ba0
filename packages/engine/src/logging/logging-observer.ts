import type { Clock } from '@se/core'
import { systemClock } from '@se/core/node'
import type { EngineObserver } from '../observer/observer.ts'
import { Lines } from './lines.ts'
import type { Logger } from './logger.ts'

/**
 * Log lines. Info: steps and phases of start and stop, trust that is gained, the end of an outage. Warn and error: what an operator
 * should look at. Debug: flushes, breakers, what happens all the time.
 *
 * What happens again and again has a line at first, and then one a minute with how many there were. An outage of a tier has a line
 * when it begins, one a minute, and one when it ends; what fails meanwhile because of it has none. A stack is written for an error that
 * no part has translated, with the first line of its kind.
 *
 * @param clock counts the minutes
 */
export function createLoggingObserver(
  logger: Logger,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): EngineObserver {
  const lines = new Lines(logger, clock)
  return {
    startStep: ({ name, durationMs, figures }) =>
      logger.info({ event: 'start-step', step: name, durationMs, ...figures }, `start: ${name}`),
    started: (event) =>
      logger.info({ event: 'started', ...event }, event.isDegraded ? 'ready, degraded' : 'ready'),
    phaseChanged: (event) =>
      logger[event.to === 'Ready' ? 'debug' : 'info'](
        { event: 'phase', ...event },
        `${event.from} to ${event.to}`,
      ),
    flushed: (event) => {
      const line = { event: 'flush', ...event }
      if (event.status === 'success') return logger.debug(line, 'flushed')
      if (lines.isReportedWithOutage('L3', {})) return
      lines.writeSeldom('warn', 'flush', 'flush failed, will be tried again', () => line, 'debug')
    },
    parked: (event) =>
      lines.writeSeldom(
        'error',
        `parked ${event.because}`,
        'items parked: the archive does not take them',
        () => ({
          event: 'parked',
          ...event,
        }),
      ),
    superseded: (event) => logger.debug({ event: 'superseded', ...event }, 'own writes met newer ones'),
    trust: (event) => {
      const { view, isTrusted, because } = event
      const message = isTrusted ? `${view} trusted` : `${view} untrusted: ${because}`
      lines.writeSeldom(isTrusted ? 'info' : 'warn', message, message, () => ({ event: 'trust', ...event }))
    },
    repaired: (event) =>
      lines.writeSeldom('warn', `repaired ${event.view}`, `${event.view} repaired`, () => ({
        event: 'repair',
        ...event,
      })),
    backendHealth: ({ backend, tier, isHealthy }) => lines.health(backend, tier, isHealthy),
    breaker: (event) =>
      logger.debug({ event: 'breaker', ...event }, `${event.backend} breaker ${event.state}`),
    fault: (event) => lines.fault(event),
  }
}
