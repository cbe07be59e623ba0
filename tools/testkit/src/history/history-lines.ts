import type { Answer, Call, Operation } from './operation.ts'

/**
 * A life's operations as lines of JSON: one when a call begins, one when it was answered. A process that writes the first
 * before the call, and does not wait to write it, leaves everything behind that it had begun when it was killed.
 */
interface Line {
  /** Number of the operation. */
  readonly n: number
  readonly us: number
  readonly call?: Call
  readonly answer?: Answer
  readonly deaf?: true
}

/** The line, with its end, to write before the call. */
export function encodeBegin(number: number, beganUs: number, call: Call): string {
  return encode({ n: number, us: beganUs, call })
}

/** The line, with its end, to write once the call was answered. */
export function encodeEnd(number: number, endedUs: number, answer: Answer, isDeaf: boolean): string {
  return encode({ n: number, us: endedUs, answer, ...(isDeaf ? { deaf: true } : {}) })
}

/**
 * The operations of one life. A last line without an end was cut off by a kill and does not count.
 *
 * @throws SyntaxError when another line is no JSON
 */
export function decodeHistory(worker: number, life: number, text: string): readonly Operation[] {
  const operations = new Map<number, Operation>()
  const lines = text.split('\n').slice(0, -1)
  for (const line of lines) {
    const { n: number, us, call, answer, deaf } = JSON.parse(line) as Line
    if (call !== undefined) {
      operations.set(number, { worker, life, number, call, beganUs: us })
      continue
    }
    const begun = operations.get(number)
    if (begun === undefined || answer === undefined) continue
    operations.set(number, { ...begun, endedUs: us, answer, ...(deaf === true ? { isDeaf: true } : {}) })
  }
  return [...operations.values()]
}

function encode(line: Line): string {
  return `${JSON.stringify(line)}\n`
}
