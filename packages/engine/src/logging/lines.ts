import { DeadlineExceeded, StorageError, TierUnavailable, type Clock } from '@se/core'
import { errorKind } from '../observer/error-kind.ts'
import type { FaultEvent, TierName } from '../observer/events.ts'
import type { LogFields, Logger } from './logger.ts'
import { Outages } from './outages.ts'
import { Repeats, type Mention } from './repeats.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Whose outage makes a part fail. */
const TIER_OF_PART: Readonly<Partial<Record<FaultEvent['part'], TierName>>> = {
  poll: 'L3',
  flush: 'L3',
  archive: 'L3',
  cache: 'L2',
}

/** Lines about what may happen again and again: few of them, and none that an outage explains. */
export class Lines {
  readonly #logger: Logger
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #repeats = new Repeats()
  readonly #outages = new Outages()

  constructor(logger: Logger, clock: Pick<Clock, 'monotonicMs'>) {
    this.#logger = logger
    this.#clock = clock
  }

  /** Writes a line for the first of a kind, and one a minute. @param firstLevel of the first; the others have `level` */
  writeSeldom(
    level: Level,
    kind: string,
    message: string,
    fieldsOf: (mention: Mention) => LogFields,
    firstLevel = level,
  ): void {
    const mention = this.#repeats.happened(kind, this.#clock.monotonicMs())
    if (mention === undefined) return
    const { count, sinceMs, isFirst } = mention
    const times = isFirst && count === 1 ? {} : { count, sinceMs: Math.round(sinceMs) }
    this.#logger[isFirst ? firstLevel : level]({ ...fieldsOf(mention), ...times }, message)
  }

  /** A tier began or ceased to answer. */
  health(backend: string, tier: TierName, isHealthy: boolean): void {
    const nowMs = this.#clock.monotonicMs()
    if (!isHealthy) {
      if (this.#outages.begin(tier, nowMs))
        this.#logger.warn({ event: 'outage', backend, tier }, `${backend} does not answer`)
      return
    }
    const outage = this.#outages.end(tier, nowMs)
    if (outage !== undefined) {
      this.#logger.info({ event: 'outage-end', backend, tier, ...outage }, `${backend} answers again`)
    }
  }

  /** Something failed that a tier was asked for. @returns whether it is part of an outage, and reported with it */
  isReportedWithOutage(tier: TierName | undefined, reason: LogFields): boolean {
    if (tier === undefined) return false
    const outage = this.#outages.fault(tier, this.#clock.monotonicMs())
    if (typeof outage === 'object') {
      this.#logger.warn({ event: 'outage', tier, ...outage, ...reason }, `${tier} still does not answer`)
    }
    return outage !== false
  }

  fault({ part, what, error, figures }: FaultEvent): void {
    const isUnavailable = error instanceof TierUnavailable || error instanceof DeadlineExceeded
    if (isUnavailable && this.isReportedWithOutage(TIER_OF_PART[part], reasonOf(error))) return
    const fields = ({ isFirst }: Mention): LogFields => ({
      event: 'fault',
      part,
      ...reasonOf(error),
      ...figures,
      ...(isFirst && error !== undefined && !(error instanceof StorageError) ? { err: error } : {}),
    })
    // Once is no news, as it is tried again: an outage has lines of its own, and what goes on without one has a line a minute.
    const isOfBackground = isUnavailable && (part === 'poll' || part === 'flush')
    this.writeSeldom('error', `fault ${part} ${what}`, what, fields, isOfBackground ? 'debug' : 'error')
  }
}

/** Errors of ours say all in their message; their stacks only tell where in the engine they passed by. */
function reasonOf(error: unknown): LogFields {
  if (error === undefined) return {}
  const because = error instanceof StorageError ? { because: error.message } : {}
  return { kind: errorKind(error), ...because }
}
