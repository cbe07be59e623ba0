import type { Lookup } from '@se/core'
import { describe, expect, it } from 'vitest'
import { LoadFloors } from './load-floors.ts'

const stamp = (time: number) => ({ time, instance: 1 })
const found = (time: number): Lookup => ({
  kind: 'found',
  item: {
    id: 'a',
    bytes: new Uint8Array(),
    stamp: stamp(time),
    version: 1,
    state: '',
    contentType: '',
    createdAtMs: 0,
    updatedAtMs: 0,
  },
})
const absent = (tombstone?: number): Lookup =>
  tombstone === undefined ? { kind: 'absent' } : { kind: 'absent', tombstone: stamp(tombstone) }

describe('LoadFloors', () => {
  it('takes a result that is as new as everything heard of', () => {
    const floors = new LoadFloors()
    expect(floors.end(floors.begin('a', undefined), found(1))).toBe('fresh')
    expect(floors.end(floors.begin('a', undefined), absent())).toBe('fresh')
    expect(floors.end(floors.begin('a', stamp(5)), found(5))).toBe('fresh')
    expect(floors.end(floors.begin('a', stamp(5)), absent(5))).toBe('fresh')
    const load = floors.begin('a', undefined)
    floors.raise('a', stamp(3))
    expect(floors.end(load, found(3))).toBe('fresh')
  })

  it('does not store what was replaced or deleted while it was loaded [R2, P12]', () => {
    const floors = new LoadFloors()
    const load = floors.begin('a', stamp(1))
    floors.raise('a', stamp(2))
    expect(floors.end(load, found(1))).toBe('overtaken')
  })

  it('remembers a write that came and went while the load ran [P58]', () => {
    const floors = new LoadFloors()
    const load = floors.begin('a', undefined)
    floors.raise('a', stamp(7))
    floors.raise('a', stamp(4))
    expect(load.floor).toEqual(stamp(7))
    expect(floors.end(load, found(6))).toBe('overtaken')
  })

  it('does not store an absence, once anything was heard of the id', () => {
    const floors = new LoadFloors()
    const load = floors.begin('a', undefined)
    floors.raise('a', stamp(2))
    expect(floors.end(load, absent())).toBe('overtaken')
    const second = floors.begin('a', undefined)
    floors.raise('a', stamp(2))
    expect(floors.end(second, absent(1))).toBe('overtaken')
  })

  it('tells a copy that lags behind from one that was overtaken', () => {
    const floors = new LoadFloors()
    expect(floors.end(floors.begin('a', stamp(5)), found(4))).toBe('outdated')
    expect(floors.end(floors.begin('a', stamp(5)), absent())).toBe('outdated')
  })

  it('makes nothing of no answer [R1]', () => {
    const floors = new LoadFloors()
    expect(floors.end(floors.begin('a', undefined), { kind: 'unknown', because: 'timeout' })).toBe('unknown')
  })

  it('lets readers join only while nothing newer is known [P57]', () => {
    const floors = new LoadFloors()
    const load = floors.begin('a', stamp(5))
    expect(floors.mayJoin(load, undefined)).toBe(true)
    expect(floors.mayJoin(load, stamp(5))).toBe(true)
    expect(floors.mayJoin(load, stamp(6))).toBe(false)
    floors.raise('a', stamp(5))
    floors.raise('b', stamp(9))
    expect(floors.mayJoin(load, undefined)).toBe(true)
    floors.raise('a', stamp(6))
    expect(floors.mayJoin(load, undefined)).toBe(false)
  })

  it('raises the loads that run when a later reader knows more', () => {
    const floors = new LoadFloors()
    const early = floors.begin('a', undefined)
    const late = floors.begin('a', stamp(3))
    expect(floors.end(early, found(2))).toBe('overtaken')
    expect(floors.end(late, found(3))).toBe('fresh')
  })

  it('holds nothing once its loads have ended', () => {
    const floors = new LoadFloors()
    const loads = [floors.begin('a', undefined), floors.begin('a', stamp(1)), floors.begin('b', undefined)]
    expect(floors.count).toBe(3)
    floors.cancel(loads[1]!)
    floors.end(loads[0]!, found(1))
    floors.end(loads[2]!, absent())
    expect(floors.count).toBe(0)
    expect(() => floors.cancel(loads[0]!)).toThrow(/ends once/)
  })
})
