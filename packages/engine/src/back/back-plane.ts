import type { BackEnd } from '../seam/channel.ts'
import type { Question, QuestionKind, Questions, ToBack } from '../seam/messages.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { InstanceUpkeep } from './instance-upkeep.ts'

export interface BackParts {
  readonly batches: BatchWriter
  readonly upkeep: InstanceUpkeep
}

/** How each question is answered. */
type Answering = {
  readonly [Kind in QuestionKind]: (question: Question<Kind>) => Promise<Questions[Kind]['answers']>
}

/** Takes what the front sends, hands it to the part that can do it, and answers. */
export function serveBack(end: BackEnd, { batches, upkeep }: BackParts): void {
  const answering: Answering = {
    batch: ({ writes }) => batches.write(writes),
    fate: () => batches.fate(),
    'cache-settled': async () => void (await batches.cacheSettled()),
    retire: ({ deadBeforeMs }) => upkeep.retire(deadBeforeMs),
    'retire-fate': async () => void (await upkeep.settleRetirement()),
    upkeep: (ages) => upkeep.run(ages),
    'end-instance': async () => void (await upkeep.endInstance()),
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
    else void answer(message)
  })
}
