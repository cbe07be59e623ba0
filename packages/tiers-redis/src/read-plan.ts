import type { Belief } from './beliefs.ts'
import { CALL_ITEMS_MAX } from './scripts.ts'

/**
 * What the entries of one call may have together, bytes, as far as their writers have told. So a call has an end that its
 * time limit can be meant for.
 */
export const READ_CALL_BYTES_MAX = 8 * 1024 * 1024
/** What calls under way at the same time may have together, bytes; further ones wait for them. */
const READ_WINDOW_BYTES_MAX = 4 * READ_CALL_BYTES_MAX

/** Ids of one stripe that are asked for. */
export interface AskedStripe {
  readonly stripe: number
  readonly belief: Belief
  readonly positions: readonly number[]
}

/** One MGET. Its stripes are different ones. */
export interface ReadCall {
  readonly stripes: readonly AskedStripe[]
}

/**
 * Cuts what is asked for into calls, and the calls into windows that are sent one after the other.
 *
 * Further calls of a window follow in the same round trip, so that Redis reads on while the client decodes the first.
 */
export function planReads(stripes: readonly AskedStripe[], isCluster: boolean): ReadCall[][] {
  const windows: ReadCall[][] = []
  let window: ReadCall[] = []
  let windowBytes = 0
  let parts: AskedStripe[] = []
  let callItems = 0
  let callBytes = 0
  const closeCall = () => {
    if (parts.length === 0) return
    if (window.length > 0 && windowBytes + callBytes > READ_WINDOW_BYTES_MAX) {
      windows.push(window)
      window = []
      windowBytes = 0
    }
    window.push({ stripes: parts })
    windowBytes += callBytes
    parts = []
    callItems = 0
    callBytes = 0
  }
  for (const { stripe, belief, positions } of stripes) {
    const bytesEach = belief.facts.entryBytesMax
    if (isCluster) closeCall()
    for (let at = 0; at < positions.length;) {
      const room = Math.min(
        CALL_ITEMS_MAX - callItems,
        Math.floor((READ_CALL_BYTES_MAX - callBytes) / bytesEach),
      )
      if (room < 1 && parts.length > 0) {
        closeCall()
        continue
      }
      const part = positions.slice(at, at + Math.max(1, room))
      parts.push({ stripe, belief, positions: part })
      callItems += part.length
      callBytes += part.length * bytesEach
      at += part.length
      if (at < positions.length) closeCall()
    }
  }
  closeCall()
  if (window.length > 0) windows.push(window)
  return windows
}
