/**
 * Goal: a step of the views that fails in the front is made good, and nothing that it told of is passed over. Method: a filter
 * that finds no memory, once, while it hears of the writes of another process. In one thread alone: there the failure ends the step.
 */
import { CuckooFilter, OutOfMemory } from '@se/cuckoo'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { settleOn } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await settle(world[Symbol.asyncDispose]())
})

const settle = <T>(promise: PromiseLike<T>) => settleOn(world.clock, promise)

it('what another process wrote is read, though the filter had no memory when it was told of [R2, R5]', async () => {
  const reader = world.engine('reader', { withoutCache: true })
  const writer = world.engine('writer', { withoutCache: true })
  await settle(reader.start())
  await settle(writer.start())
  await settle(writer.submit('x', 'old'))
  await settle(writer.flush())
  await settle(reader.roots())
  expect((await settle(reader.get('x')))?.value).toBe('old')
  await settle(writer.submit('x', 'new'))
  await settle(writer.submit('y', 'first'))
  await settle(writer.flush())
  vi.spyOn(CuckooFilter.prototype, 'add').mockImplementationOnce(() => {
    throw new OutOfMemory('arranged')
  })
  await expect(settle(reader.roots())).rejects.toThrow('arranged')
  await settle(reader.roots())
  expect(reader.status().isFresh).toBe(true)
  expect((await settle(reader.get('x')))?.value).toBe('new')
  expect((await settle(reader.get('y')))?.value).toBe('first')
  expect(reader.status().trust).toMatchObject({
    filter: expect.stringMatching(/^trusted/) as string,
    tree: expect.stringMatching(/^trusted/) as string,
  })
})
