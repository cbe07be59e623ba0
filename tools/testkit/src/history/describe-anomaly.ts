import { equalStamps, formatStamp, type Stamp } from '@se/core'
import { itemsOf } from './floors.ts'
import type { History, Operation } from './operation.ts'
import type { Anomaly } from './verdict.ts'

/** How many operations that merely happened near by an anomaly is shown with, at most. */
const NEAR_MAX = 24
/** An operation that ended so long before is not near by, µs. */
const NEAR_US = 1_000_000

/**
 * An anomaly for people: what was read, what it contradicts, and what the history says of that id: the operation (`>`),
 * those that it contradicts (`*`), the writes of the stamps concerned, and what happened near by.
 */
export function describeAnomaly(anomaly: Anomaly, history: History): string {
  const { kind, id, operation, item, floor, isOwn, other } = anomaly
  const originUs = operation.beganUs
  const stamps = [floor?.stamp, item?.stamp].filter((stamp) => stamp !== undefined)
  const contradicting = [floor?.because, other]
  const isConcerned = (each: Operation) =>
    each === operation ||
    contradicting.includes(each) ||
    (concerns(each, id) && (carries(each, stamps) || writes(each, item?.value)))
  const isNear = (each: Operation) =>
    concerns(each, id) &&
    (each.endedUs ?? each.beganUs) > originUs - NEAR_US &&
    each.beganUs <= (operation.endedUs ?? originUs)
  const markOf = (each: Operation): string => {
    if (each === operation) return '>'
    return contradicting.includes(each) ? '*' : ' '
  }
  const byBegin = history.operations.toSorted((a, b) => a.beganUs - b.beganUs)
  const near = new Set(byBegin.filter((each) => isNear(each) && !isConcerned(each)).slice(-NEAR_MAX))
  const lines = byBegin
    .filter((each) => isConcerned(each) || near.has(each))
    .map((each) => `${markOf(each)} ${describeOperation(each, id, originUs)}`)
  const since = floor === undefined ? '' : `${ms(originUs - floor.atUs)} ms before`
  const demanded =
    floor === undefined
      ? ''
      : `, but ${formatStamp(floor.stamp)} was ${isOwn === true ? 'its own' : 'known to be committed'} ${since}`
  return [`${kind}: ${id} as read by worker ${operation.worker}${demanded}`, ...lines].join('\n')
}

/** `worker.life#number from…to ms call = answer`, times relative to the origin. */
export function describeOperation(operation: Operation, id: string, originUs: number): string {
  const { worker, life, number, beganUs, endedUs } = operation
  const to = endedUs === undefined ? '…' : ms(endedUs - originUs)
  return `${worker}.${life}#${number} ${ms(beganUs - originUs)} to ${to}: ${describeCall(operation, id)}`
}

function describeCall(operation: Operation, id: string): string {
  const { call, answer, isDeaf } = operation
  const deaf = isDeaf === true ? ' (deaf)' : ''
  switch (call.kind) {
    case 'submit':
      return `submit ${call.value} (${call.level}) = ${describeAnswer(operation, id)}`
    case 'delete':
      return `delete (${call.level}) = ${describeAnswer(operation, id)}`
    case 'get':
      return `get (${call.consistency}) = ${describeAnswer(operation, id)}${deaf}`
    case 'getMany':
    case 'containsFast':
      return `${call.kind} = ${describeAnswer(operation, id)}${deaf}`
    case 'flush':
      return answer?.kind === 'flushed' ? 'flush' : `flush = ${describeAnswer(operation, id)}`
  }
}

function describeAnswer(operation: Operation, id: string): string {
  const { answer } = operation
  switch (answer?.kind) {
    case undefined:
      return 'nothing'
    case 'acknowledged':
      return `${formatStamp(answer.stamp)}${answer.supersededBy ? `, superseded by ${formatStamp(answer.supersededBy)}` : ''}`
    case 'refused':
    case 'failed':
      return `${answer.kind} ${answer.code}`
    case 'said':
      return answer.presence
    case 'flushed':
      return 'flushed'
    case 'items': {
      const item = itemsOf(operation).find(([each]) => each === id)?.[1]
      return item ? `${item.value ?? 'unknown bytes'} ${formatStamp(item.stamp)}` : 'absent'
    }
  }
}

function concerns({ call }: Operation, id: string): boolean {
  return call.kind === 'getMany' ? call.ids.includes(id) : call.kind !== 'flush' && call.id === id
}

function writes({ call }: Operation, value: string | undefined): boolean {
  return call.kind === 'submit' && call.value === value
}

function carries({ answer }: Operation, stamps: readonly Stamp[]): boolean {
  return answer?.kind === 'acknowledged' && stamps.some((stamp) => equalStamps(stamp, answer.stamp))
}

function ms(us: number): string {
  return (us / 1000).toFixed(1)
}
