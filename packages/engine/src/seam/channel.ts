import { InvariantViolation } from '@se/core'
import type { ToBack, ToFront } from './messages.ts'

/** One side's end of a channel. What is sent arrives once, in the order of sending. */
export interface ChannelEnd<Out, In> {
  send(message: Out): void
  /** @param take gets what the other side sends; set once, before anything is sent */
  onMessage(take: (message: In) => void): void
}

export type FrontEnd = ChannelEnd<ToBack, ToFront>
export type BackEnd = ChannelEnd<ToFront, ToBack>

/** Both ends of a channel between the planes. */
export interface Channel {
  readonly front: FrontEnd
  readonly back: BackEnd
}

/** Both planes in one thread: a message arrives in the turn in which it is sent, and is not copied. */
export function directChannel(): Channel {
  let takeInFront: (message: ToFront) => void = nobody
  let takeInBack: (message: ToBack) => void = nobody
  return {
    front: {
      send: (message) => takeInBack(message),
      onMessage: (take) => void (takeInFront = take),
    },
    back: {
      send: (message) => takeInFront(message),
      onMessage: (take) => void (takeInBack = take),
    },
  }
}

function nobody(): void {
  throw new InvariantViolation('nobody is at the other end of the channel')
}
