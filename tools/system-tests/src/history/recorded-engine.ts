import { writeSync } from 'node:fs'
import { StorageError } from '@se/core'
import type { Engine, Item } from '@se/engine'
import { encodeBegin, encodeEnd, type Answer, type Call, type ReadItem } from '@se/testkit/history'
import { keyOf, valueOf } from './values.ts'

/** Errors by which the engine says that a write did not happen and will not. */
const REFUSED_CODES: readonly string[] = ['SE_INVALID_INPUT', 'SE_BACKPRESSURE', 'SE_LOG_FULL']

/** An engine whose calls and answers are written to a file, the call before it is made. */
export class RecordedEngine {
  readonly #engine: Engine
  readonly #file: number
  #calls = 0

  /** @param file descriptor of the history, open for appending */
  constructor(engine: Engine, file: number) {
    this.#engine = engine
    this.#file = file
  }

  /** Makes the call. Never rejects: an error is an answer too. */
  async call(call: Call): Promise<Answer> {
    const number = this.#calls++
    writeSync(this.#file, encodeBegin(number, nowUs(), call))
    let isDeaf = !this.#engine.status().isFresh
    let answer: Answer
    try {
      const answering = this.#make(call)
      // Whether an own pending write may answer was decided between the two looks.
      isDeaf ||= !this.#engine.status().isFresh
      answer = await answering
    } catch (error) {
      const code = error instanceof StorageError ? error.code : String(error)
      answer = { kind: REFUSED_CODES.includes(code) ? 'refused' : 'failed', code }
    }
    writeSync(this.#file, encodeEnd(number, nowUs(), answer, isDeaf))
    return answer
  }

  async #make(call: Call): Promise<Answer> {
    const engine = this.#engine
    switch (call.kind) {
      case 'submit':
      case 'delete': {
        const { id, level } = call
        const { stamp, supersededBy } = await (call.kind === 'submit'
          ? engine.submit(id, valueOf(call.value), { level })
          : engine.delete(id, { level }))
        return { kind: 'acknowledged', stamp, ...(supersededBy === undefined ? {} : { supersededBy }) }
      }
      case 'get':
        return itemsAnswer([await engine.get(call.id, { consistency: call.consistency })])
      case 'getMany':
        return itemsAnswer(await engine.getMany(call.ids))
      case 'containsFast':
        return { kind: 'said', presence: engine.containsFast(call.id) }
      case 'flush':
        await engine.flush()
        return { kind: 'flushed' }
    }
  }
}

/** Microseconds by the clock that all processes of the machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

function itemsAnswer(items: readonly (Item | undefined)[]): Answer {
  return { kind: 'items', items: items.map((item) => (item === undefined ? null : readItem(item))) }
}

function readItem({ value, stamp }: Item): ReadItem {
  return { value: keyOf(value), stamp }
}
