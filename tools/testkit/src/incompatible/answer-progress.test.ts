// Goal: an answer is known to be complete at its last packet, and not before.
import { expect, test } from 'vitest'
import { AnswerProgress, isAnswered } from './answer-progress.ts'
import { COMMANDS } from './packets.ts'

const OK = [0, 0, 0, 2, 0]
const ERROR = [0xff, 1, 4]
const EOF = [0xfe, 0, 0, 2, 0]
const COLUMN = [3, 100, 101, 102]
const ROW_LIKE_EOF = [0xfe, 1, 0, 0, 0, 0, 0, 0, 0, 65]
const prepared = (columnCount: number, parameterCount: number) => [
  0,
  1,
  0,
  0,
  0,
  columnCount,
  0,
  parameterCount,
  0,
]

test.each([
  ['a statement without rows', COMMANDS.query, [OK]],
  ['an error', COMMANDS.execute, [ERROR]],
  ['rows', COMMANDS.query, [[1], COLUMN, EOF, [1, 65], ROW_LIKE_EOF, EOF]],
  ['no rows', COMMANDS.execute, [[2], COLUMN, COLUMN, EOF, EOF]],
  ['rows that end by an error', COMMANDS.execute, [[1], COLUMN, EOF, [0, 0, 1], ERROR]],
  ['a statement with neither values nor columns', COMMANDS.prepare, [prepared(0, 0)]],
  ['a statement with values', COMMANDS.prepare, [prepared(0, 2), COLUMN, COLUMN, EOF]],
  ['a statement with values and columns', COMMANDS.prepare, [prepared(1, 1), COLUMN, EOF, COLUMN, EOF]],
  ['a statement that cannot be prepared', COMMANDS.prepare, [ERROR]],
])('%s', (_title, command, packets) => {
  const answer = new AnswerProgress(command)
  const ends = packets.map((packet) => answer.push(Buffer.from(packet)))
  expect(ends).toEqual(packets.map((_, index) => index === packets.length - 1))
})

test('some commands are not answered', () => {
  expect([COMMANDS.close, COMMANDS.longData, COMMANDS.quit].map(isAnswered)).toEqual([false, false, false])
  expect([COMMANDS.query, COMMANDS.prepare, COMMANDS.execute].map(isAnswered)).toEqual([true, true, true])
})
