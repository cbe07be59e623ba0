import type { BatchSender } from '../flush/batch-sender.ts'
import type { FlushTally } from '../flush/flush-tally.ts'
import type { ArchiveTime } from '../heard/archive-time.ts'
import type { Heard } from '../heard/heard.ts'
import type { KnownWrites } from '../heard/known-writes.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { FrontEnd } from '../seam/channel.ts'
import type { ToFront } from '../seam/messages.ts'
import type { AskableStripes } from '../views/askable-stripes.ts'
import type { FollowedViews } from '../views/followed-views.ts'

/** The parts of the front that the back has something to tell. */
export interface FrontParts {
  readonly back: BackClient
  readonly sender: Pick<BatchSender, 'committed'>
  readonly tally: Pick<FlushTally, 'add'>
  readonly followed: FollowedViews
  /** `undefined`: there is no cache. */
  readonly stripes: AskableStripes | undefined
  readonly heard: Pick<Heard, 'dropDerived'>
  readonly known: Pick<KnownWrites, 'dropBefore'>
  readonly archiveTime: Pick<ArchiveTime, 'heard'>
}

/** Takes what the back sends, and hands each message to the part that it is for, in the order in which it was sent. */
export function takeFromBack(end: FrontEnd, parts: FrontParts): void {
  const { back, sender, tally, followed, stripes, heard, known, archiveTime } = parts
  end.onMessage((message: ToFront) => {
    switch (message.kind) {
      case 'done':
      case 'failed':
      case 'rows':
        return back.take(message)
      case 'committed':
        return sender.committed(message.position)
      case 'delivered':
        return tally.add({ l2: message.items })
      case 'heard':
        return followed.heard(message)
      case 'started-over':
        return followed.startedOver(message)
      case 'tree-judged':
        return followed.treeJudged(message)
      case 'filter-lost':
        return followed.filterLost(message.because)
      case 'ids-begin':
        return followed.idsBegin()
      case 'ids':
        return followed.idsFound(message.ids)
      case 'ids-dropped':
        return followed.idsDropped()
      case 'archive-time':
        return archiveTime.heard(message.sentAtMs, message.archiveMs, message.receivedAtMs)
      case 'stripe':
        return stripes?.found(message.stripe, message.standing)
      case 'stripes-forgotten':
        return stripes?.forgetAll()
      case 'cache-state':
        return stripes?.changed(message)
      case 'set-back':
        return heard.dropDerived()
      case 'tended':
        return known.dropBefore(message.round)
    }
  })
}
