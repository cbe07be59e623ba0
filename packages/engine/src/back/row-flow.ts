import type { BackEnd } from '../seam/channel.ts'
import type { RowDigest } from '../seam/view-report.ts'

/** Rows on their way to the front, which belong to a question: the next go when it has taken those before. */
export class RowFlow {
  readonly #end: Pick<BackEnd, 'send'>
  /** By question: what goes on when its rows have been taken. */
  readonly #paused = new Map<number, () => void>()

  constructor(end: Pick<BackEnd, 'send'>) {
    this.#end = end
  }

  /** @returns resolves when the front has taken them */
  send(call: number, rows: readonly RowDigest[]): Promise<void> {
    return new Promise((resolve) => {
      this.#paused.set(call, resolve)
      this.#end.send({ kind: 'rows', call, rows })
    })
  }

  /** The front has taken the rows of a question. */
  taken(call: number): void {
    this.#paused.get(call)?.()
    this.#paused.delete(call)
  }
}
