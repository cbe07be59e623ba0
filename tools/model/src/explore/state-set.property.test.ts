import { describe, expect, it } from 'vitest'
import { StateSet } from './state-set.ts'

/**
 * Goal: no two states are taken for one, and none for two. Method: a Map of texts as the model; the states differ in few bytes,
 * and come again after a while.
 */

/** Deterministic: the states need variety, not chance. */
function* statesOf(count: number, byteCount: number): Generator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    const state = new Uint8Array(byteCount)
    const value = (index * 2_654_435_761) % 40_009
    state[value % byteCount] = value & 0xff
    state[(value >> 3) % byteCount]! ^= value >> 8
    yield state
  }
}

function compare(set: StateSet, count: number, byteCount: number): void {
  const model = new Map<string, number>()
  let wrong = 0
  for (const state of statesOf(count, byteCount)) {
    const key = state.join()
    const expected = model.get(key) ?? model.size
    model.set(key, expected)
    if (set.add(state) !== expected || set.size !== model.size) wrong++
  }
  const read = new Uint8Array(byteCount)
  for (const [key, index] of model) {
    set.read(index, read)
    if (read.join() !== key) wrong++
  }
  expect({ wrong, size: set.size }).toEqual({ wrong: 0, size: model.size })
}

describe('StateSet', () => {
  it.each([1, 4, 7, 64])('numbers each state of %i bytes once, in the order of their coming', (byteCount) => {
    compare(new StateSet(byteCount), 60_000, byteCount)
  })

  it('is exact where many states have one hash', () => {
    compare(new StateSet(7, (words) => words[0]! & 7), 4_000, 7)
  })
})
