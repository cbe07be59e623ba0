import { invariant } from '@se/core'
import type { FrontEnd } from './channel.ts'
import type { Answer, Question, QuestionKind, Questions } from './messages.ts'

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** The front's way to the back: numbers its questions, and makes promises of the answers. */
export class BackClient {
  readonly #end: Pick<FrontEnd, 'send'>
  readonly #waiting = new Map<number, Waiting>()
  #lastCall = 0

  constructor(end: Pick<FrontEnd, 'send'>) {
    this.#end = end
  }

  /** @returns the answer. @throws what the back says went wrong */
  ask<Kind extends QuestionKind>(
    kind: Kind,
    asks: Questions[Kind]['asks'],
  ): Promise<Questions[Kind]['answers']> {
    const call = ++this.#lastCall
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      this.#end.send({ kind, call, ...asks } as unknown as Question)
    })
  }

  /** What the last batch holds is known to be out: the next one holds something else. */
  giveUp(): void {
    this.#end.send({ kind: 'give-up' })
  }

  /** An answer has arrived. */
  take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.call)
    invariant(waiting !== undefined, 'a question is answered once', { call: answer.call })
    this.#waiting.delete(answer.call)
    if (answer.kind === 'done') waiting.resolve(answer.value as never)
    else waiting.reject(answer.error)
  }
}
