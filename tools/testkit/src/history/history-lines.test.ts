import { expect, test } from 'vitest'
import { decodeHistory, encodeBegin, encodeEnd } from './history-lines.ts'
import type { Answer, Call } from './operation.ts'

const call: Call = { kind: 'get', id: 'a', consistency: 'local' }
const answer: Answer = { kind: 'items', items: [null, { value: 'x', stamp: { time: 7, instance: 2 } }] }

test('gives back what was written, in the order of the begins', () => {
  const text = encodeBegin(0, 10, call) + encodeBegin(1, 11, call) + encodeEnd(1, 12, answer, true)
  expect(decodeHistory(3, 4, text)).toEqual([
    { worker: 3, life: 4, number: 0, call, beganUs: 10 },
    { worker: 3, life: 4, number: 1, call, beganUs: 11, endedUs: 12, answer, isDeaf: true },
  ])
})

test('a line that a kill cut off does not count, wherever it was cut', () => {
  const begin = encodeBegin(0, 10, call)
  const end = encodeEnd(0, 12, answer, false)
  for (let length = 0; length < end.length; length++) {
    expect(decodeHistory(0, 0, begin + end.slice(0, length))).toEqual([
      { worker: 0, life: 0, number: 0, call, beganUs: 10 },
    ])
  }
  expect(decodeHistory(0, 0, begin + end)[0]?.endedUs).toBe(12)
  expect(decodeHistory(0, 0, begin.slice(0, -1))).toEqual([])
})

test('refuses a line in the middle that is no JSON', () => {
  expect(() => decodeHistory(0, 0, `nonsense\n${encodeBegin(0, 10, call)}`)).toThrow(SyntaxError)
})
