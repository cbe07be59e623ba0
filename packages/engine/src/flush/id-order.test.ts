import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { compareIds } from './id-order.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)

it('orders ids as a binary column does, beyond the basic plane too [P17]', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const letters = [
    'a',
    'B',
    'ä',
    '\u07ff',
    '\ud7ff',
    '\ue000',
    '\uffef',
    '\u{10000}',
    '\u{1f600}',
    '\u{10ffff}',
  ]
  const text = () => Array.from({ length: random.below(4) }, () => random.pick(letters)).join('')
  for (let round = 0; round < 5_000; round++) {
    const [a, b] = [text(), text()]
    const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect([a, b, Math.sign(compareIds(a, b))]).toEqual([a, b, expected])
  }
  expect(compareIds('\uffef', '\u{10000}')).toBeLessThan(0)
})
