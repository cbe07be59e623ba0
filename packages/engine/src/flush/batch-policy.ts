import { InstanceFenced, TierMisconfigured, TierUnavailable, type ItemWrite } from '@se/core'
import type { FlushCause } from '../observer/events.ts'

/** When a batch is due, and where it is cut. */
export interface BatchLimits {
  /** Items of a batch, at least 1. */
  readonly itemsMax: number
  /** Bytes of a batch, as {@link sizeOfWrite} counts; a single larger item goes alone. */
  readonly bytesMax: number
  /** How long the oldest item waits for company, ms. */
  readonly ageMsMax: number
}

/** What waits for the next batch. */
export interface QueueState {
  readonly items: number
  readonly bytes: number
  /** `Clock.monotonicMs` at which the oldest was added; `undefined`: nothing waits. */
  readonly oldestAddedAtMs: number | undefined
}

/** Bytes of a write as batches and memory bounds count it: text by its UTF-16 units, no frame. */
export function sizeOfWrite(write: Pick<ItemWrite, 'id' | 'state' | 'contentType' | 'bytes'>): number {
  return write.id.length + write.state.length + write.contentType.length + (write.bytes?.length ?? 0)
}

/**
 * Whether a batch is due, and why.
 *
 * @param isForced a caller asked for it (`flush`, `stop`): then anything that waits is due [P2]
 */
export function dueCause(
  queue: QueueState,
  nowMs: number,
  limits: BatchLimits,
  isForced = false,
): FlushCause | undefined {
  if (queue.oldestAddedAtMs === undefined) return undefined
  if (queue.items >= limits.itemsMax) return 'items'
  if (queue.bytes >= limits.bytesMax) return 'bytes'
  if (isForced) return 'forced'
  return nowMs - queue.oldestAddedAtMs >= limits.ageMsMax ? 'age' : undefined
}

/** ms until a batch is due by age: 0 when it is, `undefined` when nothing waits. */
export function dueInMs(queue: QueueState, nowMs: number, limits: BatchLimits): number | undefined {
  if (queue.oldestAddedAtMs === undefined) return undefined
  return Math.max(0, queue.oldestAddedAtMs + limits.ageMsMax - nowMs)
}

/**
 * Whether a write still joins a batch: while it fits. The first one always does, so that a write larger than a batch goes alone,
 * and cannot block the queue.
 *
 * @param items of the batch so far
 * @param bytes of the batch so far
 * @param size bytes of the write
 */
export function joinsBatch(
  items: number,
  bytes: number,
  size: number,
  limits: Pick<BatchLimits, 'itemsMax' | 'bytesMax'>,
): boolean {
  return items === 0 || (items < limits.itemsMax && bytes + size <= limits.bytesMax)
}

/** Pause before a failed batch is sent again in the background, ms; doubles up to the maximum. */
export const RETRY_MS_MIN = 100
export const RETRY_MS_MAX = 5_000

/** How long to wait after a failure: `short` where something else comes next, `usual` for the same again, `long` where nothing went through. */
export type Pause = 'short' | 'usual' | 'long'

/**
 * How long to wait after a failure, ms.
 *
 * @param previousMs the pause before; 0: none
 * @param fraction a random number from 0 to 1: up to a fifth off, so that processes that lost the archive together do not come
 *   back together
 */
export function retryPauseMs(previousMs: number, pause: Pause, fraction: number): number {
  const doubledMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, previousMs * 2))
  const wholeMs = { short: RETRY_MS_MIN, usual: doubledMs, long: RETRY_MS_MAX }[pause]
  return wholeMs * (1 - fraction / 5)
}

/**
 * Whether a failed batch may have failed because of what is in it. Not if it was never sent (the breaker is open, the tier is
 * being closed), and not where the archive says that it refuses this process, and would refuse any batch of it.
 */
export function mayBeTheWrites(error: unknown): boolean {
  if (error instanceof InstanceFenced || error instanceof TierMisconfigured) return false
  const because = error instanceof TierUnavailable ? error.details['because'] : undefined
  return because !== 'breaker-open' && because !== 'closed'
}
