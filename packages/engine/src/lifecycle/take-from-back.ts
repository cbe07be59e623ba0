import type { BatchSender } from '../flush/batch-sender.ts'
import type { FlushTally } from '../flush/flush-tally.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { FrontEnd } from '../seam/channel.ts'
import type { ToFront } from '../seam/messages.ts'

export interface FrontParts {
  readonly back: BackClient
  readonly sender: Pick<BatchSender, 'committed'>
  readonly tally: Pick<FlushTally, 'add'>
}

/** Takes what the back sends, and hands each message to the part that it is for, in the order in which it was sent. */
export function takeFromBack(end: FrontEnd, { back, sender, tally }: FrontParts): void {
  end.onMessage((message: ToFront) => {
    switch (message.kind) {
      case 'done':
      case 'failed':
        return back.take(message)
      case 'committed':
        return sender.committed(message.position)
      case 'delivered':
        return tally.add({ l2: message.items })
    }
  })
}
