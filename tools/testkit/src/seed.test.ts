import { afterEach, expect, test, vi } from 'vitest'
import { seed } from './seed.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('takes the seed of SE_SEED and prints how to repeat', () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  vi.stubEnv('SE_SEED', '4294967295')
  expect(seed('random writes')).toBe(4_294_967_295)
  expect(print).toHaveBeenCalledWith('random writes: seed 4294967295 (repeat with SE_SEED=4294967295)')
})

test('makes a fresh one without SE_SEED', () => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  vi.stubEnv('SE_SEED', undefined)
  const seeds = new Set(Array.from({ length: 8 }, () => seed()))
  expect(seeds.size).toBeGreaterThan(1)
  for (const one of seeds) expect(Number.isInteger(one) && one >= 0 && one < 2 ** 32).toBe(true)
})

test.each(['-1', '1.5', 'abc', '4294967296', '12345678901'])('refuses SE_SEED=%s', (value) => {
  vi.stubEnv('SE_SEED', value)
  expect(() => seed()).toThrow(/SE_SEED: must be an integer from 0 to 4294967295/)
})
