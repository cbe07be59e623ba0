import type { Clock, TierMisconfigured } from '@se/core'
import type { Channel } from '../seam/channel.ts'
import { decodeError, encodeError, type Thrown } from '../seam/error-record.ts'
import type { ToBack, ToFront } from '../seam/messages.ts'

export interface DelayedChannelPorts {
  readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>
  /** Draws how long the next message takes, ms; 0: until the next turn. */
  readonly drawDelayMs: () => number
}

/**
 * A channel as between two threads: messages are copied, wait for those before them, and arrive in turns of their own. An engine
 * that holds on it asks for nothing that must be answered at once, and sends nothing but plain data.
 */
export function delayedChannel(ports: DelayedChannelPorts): Channel {
  const toBack = new Line<ToBack>(ports)
  const toFront = new Line<ToFront>(ports)
  return {
    front: { send: (message) => toBack.send(message), onMessage: (take) => toFront.onMessage(take) },
    back: { send: (message) => toFront.send(message), onMessage: (take) => toBack.onMessage(take) },
  }
}

/** One direction. */
class Line<Message extends ToBack | ToFront> {
  readonly #ports: DelayedChannelPorts
  readonly #underWay: { readonly message: Message; readonly dueAtMs: number }[] = []
  /** Of the last message that was sent. */
  #dueAtMs = Number.NEGATIVE_INFINITY
  #take: ((message: Message) => void) | undefined

  constructor(ports: DelayedChannelPorts) {
    this.#ports = ports
  }

  onMessage(take: (message: Message) => void): void {
    this.#take = take
  }

  send(message: Message): void {
    const { clock, drawDelayMs } = this.#ports
    // All are on their way at once: one that is quick waits for those before it, and delays none behind it.
    this.#dueAtMs = Math.max(this.#dueAtMs, clock.monotonicMs() + drawDelayMs())
    this.#underWay.push({ message: structuredClone(withoutErrors(message)), dueAtMs: this.#dueAtMs })
    if (this.#underWay.length === 1) this.#carryNext()
  }

  #carryNext(): void {
    const { clock } = this.#ports
    const { message, dueAtMs } = this.#underWay[0]!
    const delayMs = dueAtMs - clock.monotonicMs()
    const deliver = (): void => {
      this.#take!(withErrors(message))
      this.#underWay.shift()
      if (this.#underWay.length > 0) this.#carryNext()
    }
    if (delayMs > 0) clock.setTimer(delayMs, deliver)
    else queueMicrotask(deliver)
  }
}

function withoutErrors<Message extends ToBack | ToFront>(message: Message): Message {
  if (message.kind === 'failed') return { ...message, error: encodeError(message.error) }
  if (message.kind !== 'cache-state' || message.shared === undefined) return message
  return { ...message, shared: encodeError(message.shared) as unknown as TierMisconfigured }
}

function withErrors<Message extends ToBack | ToFront>(message: Message): Message {
  if (message.kind === 'failed') return { ...message, error: decodeError(message.error as Thrown) }
  if (message.kind !== 'cache-state' || message.shared === undefined) return message
  return { ...message, shared: decodeError(message.shared as unknown as Thrown) as TierMisconfigured }
}
