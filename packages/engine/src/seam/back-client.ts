import { invariant } from '@se/core'
import type { FrontEnd } from './channel.ts'
import type { Answer, Question, QuestionKind, Questions, Rows } from './messages.ts'
import type { RowDigest } from './view-report.ts'

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
  readonly visit: ((rows: readonly RowDigest[]) => void) | undefined
}

/** The front's way to the back: numbers its questions, and makes promises of the answers. */
export class BackClient {
  readonly #end: Pick<FrontEnd, 'send'>
  readonly #waiting = new Map<number, Waiting>()
  #lastCall = 0

  constructor(end: Pick<FrontEnd, 'send'>) {
    this.#end = end
  }

  /**
   * @param visit gets the rows that come before the answer
   * @returns the answer
   * @throws what the back says went wrong
   */
  ask<Kind extends QuestionKind>(
    kind: Kind,
    asks: Questions[Kind]['asks'],
    visit?: (rows: readonly RowDigest[]) => void,
  ): Promise<Questions[Kind]['answers']> {
    const call = ++this.#lastCall
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject, visit })
      this.#end.send({ kind, call, ...asks } as unknown as Question)
    })
  }

  /** What the last batch holds is known to be out: the next one holds something else. */
  giveUp(): void {
    this.#end.send({ kind: 'give-up' })
  }

  /** An answer has arrived, or rows that belong to it. */
  take(answer: Answer | Rows): void {
    const { call } = answer
    const waiting = this.#waiting.get(call)
    invariant(waiting !== undefined, 'a question is answered once', { call })
    if (answer.kind === 'rows') {
      waiting.visit?.(answer.rows)
      return this.#end.send({ kind: 'more', call })
    }
    this.#waiting.delete(call)
    if (answer.kind === 'done') waiting.resolve(answer.value as never)
    else waiting.reject(answer.error)
  }
}
