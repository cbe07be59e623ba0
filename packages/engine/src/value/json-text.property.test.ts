import { createContext, runInContext } from 'node:vm'
import { InvalidInput } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { expect, it } from 'vitest'
import { makeValue } from '../../test/random-value.ts'
import { jsonText } from './json-text.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const VALUES = 5_000
const BYTES_MAX = 1_000_000

/**
 * Goal: of any value, either the reader gets what was submitted, or the writer is told where it would be lost [P76].
 * Method: random values out of what JSON keeps, with or without something that it loses at a random place.
 */
it('gives a value back, or refuses it with the path to what would be lost [P76]', () => {
  console.info(`seed ${SEED}`)
  const random = seededRandom(SEED)
  const context = createContext({})
  const counts = { kept: 0, refused: 0 }
  for (let round = 0; round < VALUES; round++) {
    const lost = new Set<unknown>()
    const { value, expected } = makeValue(random, random.chance(0.5) ? 0 : 0.15, lost)
    if (lost.size === 0) {
      counts.kept++
      expect(JSON.parse(jsonText(value, BYTES_MAX))).toStrictEqual(expected)
      continue
    }
    counts.refused++
    const path = refusedPath(value)
    const found: unknown = runInContext(path, Object.assign(context, { value }))
    expect(lost.has(found), `${path} leads to ${String(found)}`).toBe(true)
  }
  expect(Math.min(counts.kept, counts.refused)).toBeGreaterThan(VALUES / 10)
})

function refusedPath(value: unknown): string {
  try {
    jsonText(value, BYTES_MAX)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput)
    return String((error as InvalidInput).details.path)
  }
  throw new Error('was not refused')
}
