import type { Stamp } from '@se/core'
import { expect, it } from 'vitest'
import { KnownWrites } from './known-writes.ts'

const stamp = (time: number): Stamp => ({ time, instance: 1 })

it('keeps what became known until a poll that was sent later has been through [P85]', () => {
  const known = new KnownWrites()
  const first = known.pollSent()
  known.note('a', stamp(1), true, false)
  // The poll under way was sent before: its heads need not include the write.
  known.dropBefore(first)
  expect(known.get('a')?.stamp).toEqual(stamp(1))
  const second = known.pollSent()
  known.note('b', stamp(2), true, false)
  known.dropBefore(second)
  expect([known.get('a'), known.get('b')?.stamp]).toEqual([undefined, stamp(2)])
  expect(known.droppedBefore).toBe(second)
})

it('keeps the newer write of an id when the round of the older one goes', () => {
  const known = new KnownWrites()
  known.note('a', stamp(1), true, false)
  const round = known.pollSent()
  known.note('a', stamp(2), undefined, false)
  known.dropBefore(round)
  expect(known.get('a')).toMatchObject({ stamp: stamp(2), isLive: undefined })
  known.dropBefore(known.pollSent())
  expect(known.size).toBe(0)
})

it('passes over what is older than what it knows, and keeps the better knowledge of the same write', () => {
  const known = new KnownWrites()
  known.note('a', stamp(2), undefined, false)
  known.note('a', stamp(1), true, true)
  expect(known.get('a')).toMatchObject({ stamp: stamp(2), isLive: undefined, isInFilter: false })
  known.note('a', stamp(2), false, true)
  expect(known.get('a')).toMatchObject({ isLive: false, isInFilter: true })
  known.note('a', stamp(2), undefined, false)
  expect(known.get('a')).toMatchObject({ isLive: false, isInFilter: true })
})

it('forgets everything when the archive has gone back, and counts on [P65]', () => {
  const known = new KnownWrites()
  known.note('a', stamp(1), true, false)
  known.clear()
  expect(known.get('a')).toBeUndefined()
  known.note('a', stamp(1), true, false)
  known.dropBefore(known.pollSent())
  expect(known.size).toBe(0)
})

it('after rows were missed knows of an id only what nothing may be older than [R2, R5]', () => {
  const known = new KnownWrites()
  known.note('a', stamp(1), true, false)
  known.doubt()
  expect(known.get('a')).toMatchObject({ stamp: stamp(1), isLive: undefined, isInFilter: false })
  known.note('a', stamp(2), true, false)
  expect(known.get('a')).toMatchObject({ stamp: stamp(2), isLive: true })
  known.dropBefore(known.pollSent())
  expect(known.size).toBe(0)
})
