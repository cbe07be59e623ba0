import { describe, expect, it } from 'vitest'
import { checkContentType, checkId, checkState, equalBytes } from './item.ts'

const refusal = (field: string) => expect.objectContaining({ code: 'SE_INVALID_INPUT', field })

describe('checkId', () => {
  it('takes 1 to 255 bytes of UTF-8', () => {
    for (const id of ['a', 'user.alice', 'x'.repeat(255), 'é'.repeat(127), '日本', 'a b', '😀']) checkId(id)
  })

  it('refuses more, and names field, limit and length', () => {
    for (const id of ['x'.repeat(256), 'é'.repeat(128), '😀'.repeat(64)]) {
      expect(() => checkId(id)).toThrow(refusal('id'))
      expect(() => checkId(id)).toThrow(/256 bytes of UTF-8, the limit is 255/)
    }
  })

  it('refuses what is empty, no string, or would not survive UTF-8 or a terminal', () => {
    for (const id of ['', 7, undefined, 'a\nb', 'a\u0000', '\u007f', '\u0085', '\ud800', 'x\udc00y']) {
      expect(() => checkId(id)).toThrow(refusal('id'))
    }
  })
})

describe('checkState and checkContentType', () => {
  it('accept up to their limits and refuse beyond', () => {
    checkState('')
    checkState('s'.repeat(64))
    expect(() => checkState('s'.repeat(65))).toThrow(refusal('state'))
    expect(() => checkState('\ud800')).toThrow(refusal('state'))
    expect(() => checkState(undefined)).toThrow(refusal('state'))
    checkContentType('text/plain; charset=utf-8')
    expect(() => checkContentType('t'.repeat(128))).toThrow(/the limit is 127/)
    expect(() => checkContentType('text/é')).toThrow(refusal('contentType'))
  })
})

it('compares bytes', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false)
})
