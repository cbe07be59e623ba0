import { describe, expect, it } from 'vitest'
import { backpressureLevel, memoryPressure } from './pressure.ts'

describe('memoryPressure', () => {
  it('is the part of the bound that is pinned, 0 to 1', () => {
    expect(memoryPressure(0, 1_000)).toBe(0)
    expect(memoryPressure(250, 1_000)).toBe(0.25)
    expect(memoryPressure(4_000, 1_000)).toBe(1)
  })
})

describe('backpressureLevel', () => {
  it('is the worse of items and bytes [W8]', () => {
    const limits = { itemsMax: 100, bytesMax: 1_000 }
    expect(backpressureLevel({ items: 0, bytes: 0 }, limits)).toBe(0)
    expect(backpressureLevel({ items: 50, bytes: 100 }, limits)).toBe(0.5)
    expect(backpressureLevel({ items: 10, bytes: 900 }, limits)).toBe(0.9)
    expect(backpressureLevel({ items: 101, bytes: 0 }, limits)).toBe(1)
  })
})
