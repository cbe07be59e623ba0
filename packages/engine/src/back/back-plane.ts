import { invariant } from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import type { Question, QuestionKind, Questions, ToBack } from '../seam/messages.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { CacheDelivery } from './cache-delivery.ts'
import type { CacheView } from './cache-view.ts'
import type { InstanceUpkeep } from './instance-upkeep.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import type { OwnLedger } from './own-ledger.ts'
import type { Poller } from './poller.ts'
import { RowFlow } from './row-flow.ts'
import { verifyCache } from './verify/cache.ts'
import { lookAgain } from './verify/entries.ts'
import type { BackVerifyPorts } from './verify/ports.ts'
import { verifyTree } from './verify/tree.ts'

export interface BackParts {
  readonly batches: BatchWriter
  readonly delivery: Pick<CacheDelivery, 'settled'>
  readonly ledger: Pick<OwnLedger, 'redraw'>
  readonly upkeep: InstanceUpkeep
  readonly follower: LedgerFollower
  readonly poller: Poller
  readonly verification: BackVerifyPorts
  /** `undefined`: there is no cache, and no question about it comes. */
  readonly cacheView: CacheView | undefined
}

/** How each question is answered. */
type Answering = {
  readonly [Kind in QuestionKind]: (question: Question<Kind>) => Promise<Questions[Kind]['answers']>
}

/** Takes what the front sends, hands it to the part that can do it, and answers. */
export function serveBack(end: BackEnd, parts: BackParts): void {
  const rows = new RowFlow(end)
  const answering = answeringBy(parts, rows)
  const answer = async (question: Question): Promise<void> => {
    const { call } = question
    try {
      const value = await (answering[question.kind] as (asked: Question) => Promise<unknown>)(question)
      end.send({ kind: 'done', call, value })
    } catch (error) {
      end.send({ kind: 'failed', call, error })
    }
  }
  end.onMessage((message: ToBack) => {
    if (message.kind === 'give-up') parts.ledger.redraw()
    else if (message.kind === 'more') rows.taken(message.call)
    else void answer(message)
  })
}

function answeringBy(parts: BackParts, rows: RowFlow): Answering {
  const { batches, delivery, upkeep, follower, poller, verification, cacheView } = parts
  const theCache = (): CacheView => {
    invariant(cacheView !== undefined, 'only an engine with a cache asks about it')
    return cacheView
  }
  return {
    batch: ({ writes }) => batches.write(writes),
    fate: () => batches.fate(),
    'cache-settled': async () => void (await delivery.settled()),
    retire: ({ deadBeforeMs }) => upkeep.retire(deadBeforeMs),
    'retire-fate': async () => void (await upkeep.settleRetirement()),
    upkeep: (ages) => upkeep.run(ages),
    'end-instance': async () => void (await upkeep.endInstance()),
    'load-tree': async () => {
      await follower.loadTree()
      return { root: follower.tree.root(), items: follower.tree.count }
    },
    'follow-filter': ({ from }) => follower.followFilter(from),
    'rebuild-filter': async () => void (await follower.rebuildFilter()),
    'catch-up': async () => void (await follower.catchUp()),
    reach: ({ sentAtMs, round }) => poller.reach({ sentAtMs, round }),
    tend: async ({ mayJoin }) => void (await poller.tend(mayJoin)),
    'connect-cache': async () => void (await theCache().connect()),
    'attach-cache': async () => theCache().attach(),
    roots: async () => {
      if (cacheView?.isAttached === true) return cacheView.readRoots()
      return { cut: follower.cut, archive: follower.tree.root(), cache: undefined }
    },
    'verify-tree': ({ call, isDeep }) => verifyTree(verification, isDeep, (found) => rows.send(call, found)),
    'look-again': async ({ rows: suspects }) => lookAgain(verification, suspects),
    'verify-cache': async (asked) => verifyCache(verification, asked),
  }
}
