import { expect, it } from 'vitest'
import { randomHex } from './random.ts'
import { seededRandom } from './testing/index.ts'

it('a random name has two digits a byte, of the bytes that were drawn', () => {
  const drawn: number[] = []
  const random = {
    bytes: (length: number) => {
      drawn.push(length)
      return seededRandom(1).bytes(length)
    },
  }
  expect(randomHex(random, 8)).toBe(Buffer.from(seededRandom(1).bytes(8)).toString('hex'))
  expect(drawn).toEqual([8])
})
