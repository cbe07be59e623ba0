import { invariant } from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import type { Question, QuestionKind, Questions, ToBack } from '../seam/messages.ts'
import type { RowDigest } from '../seam/view-report.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { CacheView } from './cache-view.ts'
import type { InstanceUpkeep } from './instance-upkeep.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import type { Poller } from './poller.ts'
import type { Verifier } from './verify/verifier.ts'

export interface BackParts {
  readonly batches: BatchWriter
  readonly upkeep: InstanceUpkeep
  readonly follower: LedgerFollower
  readonly poller: Poller
  readonly verifier: Verifier
  /** `undefined`: there is no cache, and no question about it comes. */
  readonly cacheView: CacheView | undefined
}

/** How each question is answered. */
type Answering = {
  readonly [Kind in QuestionKind]: (question: Question<Kind>) => Promise<Questions[Kind]['answers']>
}

/** Takes what the front sends, hands it to the part that can do it, and answers. */
export function serveBack(
  end: BackEnd,
  { batches, upkeep, follower, poller, verifier, cacheView }: BackParts,
): void {
  const theCache = (): CacheView => {
    invariant(cacheView !== undefined, 'only an engine with a cache asks about it')
    return cacheView
  }
  /** By question: what goes on when its rows have been taken. */
  const paused = new Map<number, () => void>()
  const sendRows = (call: number, rows: readonly RowDigest[]): Promise<void> =>
    new Promise((resolve) => {
      paused.set(call, resolve)
      end.send({ kind: 'rows', call, rows })
    })
  const more = (call: number): void => {
    paused.get(call)?.()
    paused.delete(call)
  }
  const answering: Answering = {
    batch: ({ writes }) => batches.write(writes),
    fate: () => batches.fate(),
    'cache-settled': async () => void (await batches.cacheSettled()),
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
    'verify-tree': ({ call, isDeep }) => verifier.tree(isDeep, (rows) => sendRows(call, rows)),
    'look-again': ({ rows }) => verifier.lookAgain(rows),
    'verify-cache': (verification) => verifier.cache(verification),
  }
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
    if (message.kind === 'give-up') batches.giveUp()
    else if (message.kind === 'more') more(message.call)
    else void answer(message)
  })
}
