import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Membership } from './membership.ts'

const word = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff))
const change = fc.record({ isAdd: fc.boolean(), h1: word, h2: word })

describe('Membership', () => {
  it('is the sum modulo 2^64 of the hashes added less those subtracted', () => {
    fc.assert(
      fc.property(fc.array(change), fc.bigInt(0n, 2n ** 64n - 1n), (changes, start) => {
        const membership = new Membership(1000, start)
        let expected = start
        let count = 1000
        for (const { isAdd, h1, h2 } of changes) {
          const hash = (BigInt(h1) << 32n) | BigInt(h2)
          // Words arrive as u32 or as i32.
          if (isAdd) membership.add(h1, h2 | 0)
          else membership.subtract(h1 | 0, h2)
          expected = BigInt.asUintN(64, isAdd ? expected + hash : expected - hash)
          count += isAdd ? 1 : -1
        }
        expect(membership.sum).toBe(expected)
        expect(membership.count).toBe(count)
      }),
    )
  })
})
