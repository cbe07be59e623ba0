import { equalBytes, InvalidInput, type StoredItem } from '@se/core'
import { describe, expect, it } from 'vitest'
import { Item } from './item.ts'

const utf8 = new TextEncoder()

function stored(bytes: Uint8Array, contentType = 'application/json'): StoredItem {
  return {
    id: 'user.alice',
    bytes,
    stamp: { time: 5, instance: 1 },
    version: undefined,
    state: 'default',
    contentType,
    createdAtMs: 1,
    updatedAtMs: 1,
  }
}

describe('Item', () => {
  it('gives the very bytes it was made of, and parses beside them [R7, P16]', () => {
    const text = '{"b": 1.0,  "a": 12345678901234567890}'
    const item = new Item(stored(utf8.encode(text)))
    expect(item.value).toEqual({ a: 12345678901234567890, b: 1 })
    expect(equalBytes(item.bytes, utf8.encode(text))).toBe(true)
  })

  it('parses once and freezes at every depth, because all readers share the value', () => {
    const item = new Item(stored(utf8.encode('{"list":[{"deep":{"er":1}}],"none":null}')))
    const value = item.value as { list: { deep: { er: number } }[] }
    expect(item.value).toBe(value)
    expect(Object.isFrozen(value)).toBe(true)
    expect(Object.isFrozen(value.list)).toBe(true)
    expect(Object.isFrozen(value.list[0])).toBe(true)
    expect(Object.isFrozen(value.list[0]?.deep)).toBe(true)
    expect(() => {
      value.list[0]!.deep.er = 2
    }).toThrow(TypeError)
  })

  it.each(['null', 'false', '0', '""'])('takes %s as a value, parsed once like any other', (text) => {
    const item = new Item(stored(utf8.encode(text)))
    expect(item.value).toBe(JSON.parse(text))
  })

  it('freezes values nested deeper than the stack', () => {
    const depth = 20_000
    const item = new Item(stored(utf8.encode('['.repeat(depth) + ']'.repeat(depth))))
    let inner = item.value as unknown[]
    for (let level = 1; level < depth; level++) inner = inner[0] as unknown[]
    expect(Object.isFrozen(inner)).toBe(true)
    expect(inner).toEqual([])
  })

  it('knows JSON by its content type, with suffix and parameters', () => {
    const bytes = utf8.encode('{"a":1}')
    for (const type of ['application/json; charset=utf-8', 'application/problem+json', 'Application/JSON']) {
      expect(new Item(stored(bytes, type)).value).toEqual({ a: 1 })
    }
    for (const type of ['', 'text/plain', 'application/jsonl', 'application/octet-stream']) {
      expect(new Item(stored(bytes, type)).value).toBe(bytes)
    }
  })

  it('says so when bytes that claim to be JSON are not, and still gives the bytes', () => {
    for (const bytes of [utf8.encode('{"secret": '), Uint8Array.of(0x22, 0xff, 0x22)]) {
      const item = new Item(stored(bytes))
      expect(() => item.value).toThrow(InvalidInput)
      expect(() => item.value).not.toThrow(/secret/)
      expect(item.bytes).toBe(bytes)
    }
  })

  it('keeps the parsed value when the archive accepts the write', () => {
    const pending = new Item(stored(utf8.encode('{"a":1}')))
    const value = pending.value
    const accepted = pending.accepted(3, 77)
    expect(accepted.value).toBe(value)
    expect(accepted).toMatchObject({ id: 'user.alice', version: 3, createdAtMs: 77, stamp: pending.stamp })
    expect(pending.version).toBeUndefined()
  })
})
