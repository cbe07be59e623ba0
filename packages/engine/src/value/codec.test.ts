import { deserialize, serialize } from 'node:v8'
import { InvalidInput } from '@se/core'
import { describe, expect, it } from 'vitest'
import { CodecFailed, decodeBy, encodeValue, isJson, isOfCodec, type Codec } from './codec.ts'

const codec: Codec = { contentType: 'application/x-v8', encode: serialize, decode: deserialize }
const encode = (value: unknown, contentType?: string, by: Codec | undefined = codec) =>
  encodeValue(value, contentType, by, 1_000)

describe('encodeValue', () => {
  it('writes JSON where there is no codec, and where the content type is one of JSON', () => {
    expect(encodeValue({ a: 1 }, undefined, undefined, 100)).toEqual({
      value: '{"a":1}',
      contentType: 'application/json',
    })
    expect(encode({ a: 1 }, 'application/problem+json; charset=utf-8').value).toBe('{"a":1}')
  })

  it('asks the codec, under its content type, also with parameters', () => {
    const value = new Map([[1, new Set(['x'])]])
    const encoded = encode(value)
    expect(encoded.contentType).toBe('application/x-v8')
    expect(decodeBy(codec, encoded.value as Uint8Array)).toEqual(value)
    expect(encode(value, 'Application/X-V8; v=2').contentType).toBe('Application/X-V8; v=2')
  })

  it('lets a codec take the place of JSON', () => {
    const dated: Codec = { ...codec, contentType: 'application/json' }
    expect(encode(1n, undefined, dated).contentType).toBe('application/json')
    expect(isOfCodec(dated, 'application/json; charset=utf-8')).toBe(true)
  })

  it('stores bytes as they are, without asking anybody', () => {
    const bytes = Uint8Array.of(1, 2)
    expect(encode(bytes)).toEqual({ value: bytes, contentType: 'application/octet-stream' })
    expect(encode(bytes.buffer, 'image/png')).toEqual({ value: bytes, contentType: 'image/png' })
    expect(encode(bytes, 'application/x-v8').value).toEqual(bytes)
  })

  it.each([['text'], [{ a: 1 }], [7]])(
    'refuses %j under a content type of which readers get bytes: it would not come back [P76]',
    (value) => {
      for (const type of ['text/plain', '', 'application/jsonl']) {
        expect(() => encode(value, type)).toThrow(expect.objectContaining({ field: 'value' }))
      }
    },
  )

  it.each<[string, unknown, string]>([
    ['a promise', Promise.resolve(1), 'value is a Promise: await it first'],
    ['a blob', new Blob(['x']), 'value is a Blob: store await it.arrayBuffer()'],
    ['a stream', new ReadableStream(), 'value is a ReadableStream, a stream: read it'],
    ['nothing', undefined, 'value is undefined: store null, or delete the id'],
  ])('refuses %s before any codec sees it', (_, value, message) => {
    expect(() => encode(value)).toThrow(InvalidInput)
    expect(() => encode(value)).toThrow(message)
  })

  it.each<[string, () => unknown, string]>([
    ['a number', () => 7, 'gave 7, not text or bytes'],
    ['nothing', () => undefined, 'gave undefined, not text or bytes'],
    ['a promise', () => Promise.resolve('x'), 'gave a Promise, not text or bytes'],
    ['an object', () => ({}), 'gave an Object, not text or bytes'],
    [
      'text that UTF-8 does not have',
      () => 'a\ud800',
      'gave text with unpaired surrogates, not text or bytes',
    ],
  ])('says by name that a codec gave %s', (_, give, message) => {
    const odd = { ...codec, encode: give as Codec['encode'] }
    expect(() => encode(1, undefined, odd)).toThrow(CodecFailed)
    expect(() => encode(1, undefined, odd)).toThrow(message)
  })

  it('refuses a value that is not there yet, as of an async decode [P70]', () => {
    const late: Codec = { ...codec, decode: async (bytes) => deserialize(bytes) }
    expect(() => decodeBy(late, serialize(1))).toThrow('codec.decode gave a Promise')
    expect(() => decodeBy(late, serialize(1))).toThrow(CodecFailed)
  })

  it('keeps what a codec threw as the cause', () => {
    const cause = new Error('cannot')
    const fail = () => {
      throw cause
    }
    const failing: Codec = { contentType: 'application/x-fails', encode: fail, decode: fail }
    const expected = expect.objectContaining({
      code: 'SE_CODEC_FAILED',
      cause,
      details: { contentType: 'application/x-fails' },
    })
    expect(() => encode(1, undefined, failing)).toThrow(expected)
    expect(() => decodeBy(failing, new Uint8Array())).toThrow(expected)
  })
})

it('knows JSON by its content type, with suffix and parameters', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/a+json',
    'Application/JSON',
  ]) {
    expect(isJson(type)).toBe(true)
  }
  for (const type of ['', 'text/plain', 'application/jsonl', 'application/octet-stream'])
    expect(isJson(type)).toBe(false)
})
