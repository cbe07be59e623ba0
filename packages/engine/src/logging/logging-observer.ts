import { DeadlineExceeded, StorageError, TierUnavailable, type Clock } from '@se/core'
import { systemClock } from '@se/core/node'
import { errorKind } from '../observer/error-kind.ts'
import type { FaultEvent, TierName } from '../observer/events.ts'
import type { EngineObserver } from '../observer/observer.ts'
import type { LogFields, Logger } from './logger.ts'
import { Outages } from './outages.ts'
import { Repeats, type Mention } from './repeats.ts'

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
  const repeats = new Repeats()
  const outages = new Outages()

  /** Writes a line for the first of a kind, and one a minute. @param firstLevel of the first; the others have `level` */
  function writeSeldom(
    level: Level,
    kind: string,
    message: string,
    fieldsOf: (mention: Mention) => LogFields,
    firstLevel = level,
  ): void {
    const mention = repeats.happened(kind, clock.monotonicMs())
    if (mention === undefined) return
    const { count, sinceMs, isFirst } = mention
    const times = isFirst && count === 1 ? {} : { count, sinceMs: Math.round(sinceMs) }
    logger[isFirst ? firstLevel : level]({ ...fieldsOf(mention), ...times }, message)
  }

  /** @returns whether it is part of an outage, and reported with it */
  function isReportedWithOutage(tier: TierName | undefined, reason: LogFields): boolean {
    if (tier === undefined) return false
    const outage = outages.fault(tier, clock.monotonicMs())
    if (typeof outage === 'object') {
      logger.warn({ event: 'outage', tier, ...outage, ...reason }, `${tier} still does not answer`)
    }
    return outage !== false
  }

  function fault({ part, what, error, figures }: FaultEvent): void {
    const isUnavailable = error instanceof TierUnavailable || error instanceof DeadlineExceeded
    if (isUnavailable && isReportedWithOutage(TIER_OF_PART[part], reasonOf(error))) return
    const fields = ({ isFirst }: Mention): LogFields => ({
      event: 'fault',
      part,
      ...reasonOf(error),
      ...figures,
      ...(isFirst && error !== undefined && !(error instanceof StorageError) ? { err: error } : {}),
    })
    // Once is no news, as it is tried again: an outage has lines of its own, and what goes on without one has a line a minute.
    const isOfBackground = isUnavailable && (part === 'poll' || part === 'flush')
    writeSeldom('error', `fault ${part} ${what}`, what, fields, isOfBackground ? 'debug' : 'error')
  }

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
      if (isReportedWithOutage('L3', {})) return
      writeSeldom('warn', 'flush', 'flush failed, will be tried again', () => line, 'debug')
    },
    parked: (event) =>
      writeSeldom('error', `parked ${event.because}`, 'items parked: the archive does not take them', () => ({
        event: 'parked',
        ...event,
      })),
    superseded: (event) => logger.debug({ event: 'superseded', ...event }, 'own writes met newer ones'),
    trust: (event) => {
      const { view, isTrusted, because } = event
      const message = isTrusted ? `${view} trusted` : `${view} untrusted: ${because}`
      writeSeldom(isTrusted ? 'info' : 'warn', message, message, () => ({ event: 'trust', ...event }))
    },
    repaired: (event) =>
      writeSeldom('warn', `repaired ${event.view}`, `${event.view} repaired`, () => ({
        event: 'repair',
        ...event,
      })),
    backendHealth: ({ backend, tier, isHealthy }) => {
      const nowMs = clock.monotonicMs()
      if (!isHealthy) {
        if (outages.begin(tier, nowMs))
          logger.warn({ event: 'outage', backend, tier }, `${backend} does not answer`)
        return
      }
      const outage = outages.end(tier, nowMs)
      if (outage !== undefined) {
        logger.info({ event: 'outage-end', backend, tier, ...outage }, `${backend} answers again`)
      }
    },
    breaker: (event) =>
      logger.debug({ event: 'breaker', ...event }, `${event.backend} breaker ${event.state}`),
    fault,
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Whose outage makes a part fail. */
const TIER_OF_PART: Readonly<Partial<Record<FaultEvent['part'], TierName>>> = {
  poll: 'L3',
  flush: 'L3',
  archive: 'L3',
  cache: 'L2',
}

/** Errors of ours say all in their message; their stacks only tell where in the engine they passed by. */
function reasonOf(error: unknown): LogFields {
  if (error === undefined) return {}
  const because = error instanceof StorageError ? { because: error.message } : {}
  return { kind: errorKind(error), ...because }
}
