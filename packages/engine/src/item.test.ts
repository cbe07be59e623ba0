import { inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { equalBytes, InvalidInput, type StoredItem } from '@se/core'
import { describe, expect, it } from 'vitest'
import { Item } from './item.ts'
import { KeptItem } from './kept-item.ts'
import type { Codec } from './value/codec.ts'

const utf8 = new TextEncoder()
const codec: Codec = { contentType: 'application/x-v8', encode: serialize, decode: deserialize }

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

const kept = (bytes: Uint8Array, contentType?: string) => new KeptItem(stored(bytes, contentType))
const json = (text: string, contentType?: string) => kept(utf8.encode(text), contentType)
const binary = (...bytes: number[]) => kept(Uint8Array.from(bytes), 'application/octet-stream')
const own = (item: KeptItem) => new Item(item, 'own', undefined)
const shared = (item: KeptItem) => new Item(item, 'shared', undefined)

describe('Item', () => {
  it('gives the very bytes it was made of, and parses beside them [R7, P16]', () => {
    const text = '{"b": 1.0,  "a": 12345678901234567890}'
    const item = own(json(text))
    expect(item.value).toEqual({ a: 12345678901234567890, b: 1 })
    expect(equalBytes(item.bytes, utf8.encode(text))).toBe(true)
  })

  it('gives each reader bytes of its own, the same on each asking [P75]', () => {
    const source = binary(1, 2, 3)
    const [one, other] = [own(source), own(source)]
    expect(one.bytes).toBe(one.bytes)
    expect(one.value).toBe(one.bytes)
    one.bytes.fill(9)
    expect([...other.bytes]).toEqual([1, 2, 3])
    expect([...source.bytes]).toEqual([1, 2, 3])
    ;(other.value as Uint8Array).fill(8)
    expect([...own(source).bytes]).toEqual([1, 2, 3])
  })

  it('gives a stamp that nobody can change, or a reader could move a write in time [P75]', () => {
    const item = own(binary(1))
    expect(Reflect.set(item.stamp, 'time', 0)).toBe(false)
    expect(item.stamp.time).toBe(5)
  })

  it('gives all who ask for shared bytes the same ones, which are not those that are stored [W11]', () => {
    const pending = Uint8Array.of(1, 2, 3)
    const source = kept(pending, 'image/png')
    const [one, other] = [shared(source), shared(source)]
    expect(one.bytes).toBe(other.bytes)
    one.bytes.fill(9)
    expect([...pending]).toEqual([1, 2, 3])
    // Memory keeps one copy, not two: its charge stays true.
    expect(source.bytes).toBe(one.bytes)
  })

  it('shares the bytes that memory has copied already without another copy', () => {
    const copy = Uint8Array.of(1, 2, 3)
    expect(shared(new KeptItem(stored(copy, ''), copy)).bytes).toBe(copy)
  })

  it('parses once and freezes at every depth, because all readers share the value', () => {
    const source = json('{"list":[{"deep":{"er":1}}],"none":null}')
    const value = own(source).value as { list: { deep: { er: number } }[] }
    expect(own(source).value).toBe(value)
    for (const object of [value, value.list, value.list[0], value.list[0]?.deep])
      expect(Object.isFrozen(object)).toBe(true)
    expect(() => {
      value.list[0]!.deep.er = 2
    }).toThrow(TypeError)
  })

  it.each(['null', 'false', '0', '""'])('takes %s as a value, parsed once like any other', (text) => {
    expect(own(json(text)).value).toBe(JSON.parse(text))
  })

  it('freezes values nested deeper than the stack', () => {
    const depth = 20_000
    let inner = own(json('['.repeat(depth) + ']'.repeat(depth))).value as unknown[]
    for (let level = 1; level < depth; level++) inner = inner[0] as unknown[]
    expect(Object.isFrozen(inner)).toBe(true)
    expect(inner).toEqual([])
  })

  it('is read by its content type: as JSON, by the codec, or as bytes', () => {
    const bytes = utf8.encode('{"a":1}')
    for (const type of ['application/json; charset=utf-8', 'application/problem+json', 'Application/JSON']) {
      expect(own(kept(bytes, type)).value).toEqual({ a: 1 })
    }
    for (const type of ['', 'text/plain', 'application/jsonl', 'application/octet-stream']) {
      expect(own(kept(bytes, type)).value).toEqual(bytes)
    }
    const map = new Map([[1, new Uint8Array([7])]])
    const coded = kept(serialize(map), 'application/x-v8')
    expect(new Item(coded, 'own', codec).value).toEqual(map)
    expect(own(coded).value).toEqual(new Uint8Array(serialize(map)))
  })

  it('decodes a codec’s value once a reader, from bytes that the value may keep [P75]', () => {
    const source = kept(Uint8Array.of(1, 2), 'application/x-same')
    const same: Codec = { contentType: 'application/x-same', encode: () => '', decode: (bytes) => bytes }
    const [one, other] = [new Item(source, 'own', same), new Item(source, 'shared', same)]
    ;(one.value as Uint8Array).fill(9)
    ;(other.value as Uint8Array).fill(8)
    expect(one.value).toBe(one.value)
    expect([...source.bytes]).toEqual([1, 2])
    expect([...one.bytes]).toEqual([1, 2])
  })

  it('says so when bytes that claim to be JSON are not, and still gives the bytes', () => {
    for (const bytes of [utf8.encode('{"secret": '), Uint8Array.of(0x22, 0xff, 0x22)]) {
      const item = own(kept(bytes))
      expect(() => item.value).toThrow(InvalidInput)
      expect(() => item.value).not.toThrow(/secret/)
      expect(item.bytes).toEqual(bytes)
    }
  })

  it('keeps value and bytes when the archive accepts the write', () => {
    const pending = json('{"a":1}')
    const value = pending.json()
    const accepted = pending.accepted(3, 77)
    expect(accepted.json()).toBe(value)
    expect(accepted.bytes).toBe(pending.bytes)
    expect(own(accepted)).toMatchObject({
      id: 'user.alice',
      version: 3,
      createdAtMs: 77,
      stamp: pending.stamp,
    })
    expect(pending.version).toBeUndefined()
  })
})

describe('an item as text [P77]', () => {
  const fields = { id: 'user.alice', stamp: '5.1', state: 'default', createdAtMs: 1, updatedAtMs: 1 }

  it('has the value of JSON, and of anything else the bytes, in JSON', () => {
    const parsed = (item: Item) => JSON.parse(JSON.stringify(item)) as unknown
    expect(parsed(own(json('{"a":[1,null]}').accepted(3, 1)))).toEqual({
      ...fields,
      value: { a: [1, null] },
      version: 3,
      contentType: 'application/json',
    })
    const bytes = { length: 3, base64: 'AAH/' }
    expect(parsed(own(binary(0, 1, 255)))).toEqual({
      ...fields,
      bytes,
      contentType: 'application/octet-stream',
    })
    // What a codec gives may be something that JSON loses.
    const map = serialize(new Map([[1, 2]]))
    expect(parsed(new Item(kept(map, codec.contentType), 'own', codec))).toEqual({
      ...fields,
      bytes: { length: map.length, base64: map.toString('base64') },
      contentType: codec.contentType,
    })
    expect(parsed(own(kept(Uint8Array.of(0, 1, 255))))).toEqual({
      ...fields,
      bytes,
      contentType: 'application/json',
    })
  })

  it('shows the same to people, under its name', () => {
    expect(inspect(own(json('{"a":1}')))).toBe(
      `Item {
  id: 'user.alice',
  value: { a: 1 },
  stamp: '5.1',
  version: undefined,
  state: 'default',
  contentType: 'application/json',
  createdAtMs: 1,
  updatedAtMs: 1
}`,
    )
    expect(inspect(own(binary(0, 255)))).toContain('bytes: Uint8Array(2) [ 0, 255 ]')
    expect(inspect(new Item(kept(serialize(new Map([[1, 2]])), codec.contentType), 'own', codec))).toContain(
      'value: Map(1) { 1 => 2 }',
    )
    expect(inspect(own(kept(Uint8Array.of(0xff))))).toContain('bytes: Uint8Array(1) [ 255 ]')
    expect(inspect({ a: { b: { c: own(binary(1)) } } })).toContain('[Item]')
    expect(inspect([own(json('{"a":{"b":{"c":1}}}'))], { depth: 1 })).toContain('value: [Object]')
    expect(inspect(own(json('[[[[[1]]]]]')), { depth: null })).toContain('1')
  })
})
