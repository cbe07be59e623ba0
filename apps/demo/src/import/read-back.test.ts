import { expect, it } from 'vitest'
import { expectedItem } from './expected-items.ts'
import { readBack } from './read-back.ts'

it('tells apart what is equal, what differs (also at equal length) and what is missing', async () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const expected = new Map(
    Array.from({ length: 2_500 }, (_, index) => [
      `id.${index}`,
      expectedItem(bytes(`"${index}"`), index + 1),
    ]),
  )
  const asked: number[] = []
  const told: number[] = []
  const result = await readBack(
    expected.keys(),
    expected,
    async (ids) => {
      asked.push(ids.length)
      return ids.map((id) => {
        if (id === 'id.7') return undefined
        const value = id === 'id.2400' ? '"x400"' : `"${id.slice(3)}"`
        return {
          id,
          bytes: bytes(value),
          stamp: { time: 1, instance: 1 },
          version: 1,
          state: 'default',
          contentType: 'application/json',
          createdAtMs: 0,
          updatedAtMs: 0,
        }
      })
    },
    (items) => told.push(items),
  )
  expect(result).toEqual({ equal: 2_498, differing: ['id.2400'], missing: ['id.7'] })
  expect(asked).toEqual([1_000, 1_000, 500])
  expect(told).toEqual([1_000, 2_000, 2_500])
})

it('asks for nothing behind the last whole chunk, and for nothing at all where there are no ids', async () => {
  const asked: number[] = []
  const read = async (ids: readonly string[]) => {
    asked.push(ids.length)
    return ids.map(() => undefined)
  }
  const ids = Array.from({ length: 2_000 }, (_, index) => `id.${index}`)
  expect((await readBack(ids, new Map(), read, () => {})).missing).toHaveLength(2_000)
  expect(asked).toEqual([1_000, 1_000])
  expect(await readBack([], new Map(), read, () => {})).toEqual({ equal: 0, differing: [], missing: [] })
  expect(asked).toHaveLength(2)
})
