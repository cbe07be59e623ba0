import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'

describe('crc32c', () => {
  it.each([
    ['the nine digits', new TextEncoder().encode('123456789'), 0xe3069283],
    ['32 zero bytes (RFC 3720)', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 0xFF (RFC 3720)', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 … 31 (RFC 3720)', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['nothing', new Uint8Array(0), 0],
  ])('agrees with the known answer for %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
  })

  it('gives the same for data in pieces, wherever they are cut', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, index) => index * 37)
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(crc32c(bytes))
    }
  })
})
