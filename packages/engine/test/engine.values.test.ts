/**
 * Goal: what is stored is the engine's own from the call on, and what a reader gets is the reader's own [W11, P75]; values come
 * back as they went in, or are refused [P76].
 * Method: whole engines in memory; whoever holds the same bytes writes to them at the worst moment.
 */
import { deserialize, serialize } from 'node:v8'
import type { Lookup } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Codec } from '../src/index.ts'
import { settleOn, turns } from '../src/testing/time.ts'
import { makeValue } from './random-value.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(world.clock, promise)
const levels = ['memory', 'log', 'archive'] as const

const bytesIn = (lookup: Lookup) => (lookup.kind === 'found' ? [...lookup.item.bytes] : lookup.kind)

describe('what is to be stored', () => {
  it.each(levels)(
    'is a copy made at the call, also while a write at level %s waits for space [W11, P75]',
    async (level) => {
      const engine = world.engine('a', { pending: { itemsMax: 1 } })
      await engine.start()
      world.archiveOf('a').setAvailable(false)
      await engine.submit('first', 1)
      const bytes = Uint8Array.of(1, 2, 3)
      const shared = new SharedArrayBuffer(2)
      const submitted = [engine.submit('bytes', bytes, { level }), engine.submit('shared', shared, { level })]
      bytes.fill(9)
      new Uint8Array(shared).fill(9)
      await turns()
      world.archiveOf('a').setAvailable(true)
      await settle(Promise.all(submitted))
      await settle(engine.flush())
      expect([...(await engine.get('bytes'))!.bytes]).toEqual([1, 2, 3])
      expect([...(await engine.get('shared'))!.bytes]).toEqual([0, 0])
      expect(bytesIn(await world.archive.get('bytes'))).toEqual([1, 2, 3])
    },
  )

  it('is a copy of a JSON value too: members that change later are not stored [W11, P75]', async () => {
    const engine = world.engine('a', { pending: { itemsMax: 1 } })
    await engine.start()
    world.archiveOf('a').setAvailable(false)
    await engine.submit('first', 1)
    const value = { list: [1] }
    const submitted = engine.submit('value', value)
    value.list.push(2)
    world.archiveOf('a').setAvailable(true)
    await settle(submitted)
    expect(engine.getSync('value')?.value).toEqual({ list: [1] })
  })

  it('obeys the limit of size with what it is, not with what its buffer was [P75]', async () => {
    const engine = world.engine('a', { valueBytesMax: 4 })
    await engine.start()
    const resizable = new ArrayBuffer(5, { maxByteLength: 8 })
    await expect(engine.submit('a', resizable)).rejects.toMatchObject({ details: { limit: 4, actual: 5 } })
    resizable.resize(4)
    const submitted = engine.submit('a', resizable)
    resizable.resize(8)
    await submitted
    expect(engine.getSync('a')?.bytes).toHaveLength(4)
  })
})

describe('what a reader gets', () => {
  /** Large enough not to be copied for its size alone on its way into memory. */
  const original = new Uint8Array(10_000).fill(1)

  it.each(['own', 'shared'] as const)(
    'cannot change what is stored, while it is pending and after: %s bytes [W11, P75]',
    async (bytes) => {
      const engine = world.engine('a')
      await engine.start()
      await engine.submit('a', original)
      const pending = [
        engine.getSync('a', { bytes }),
        await engine.get('a', { bytes }),
        ...(await engine.getMany(['a'], { bytes })),
      ]
      for (const item of pending) {
        item!.bytes.fill(9)
        ;(item!.value as Uint8Array).fill(9)
        Reflect.set(item!.stamp, 'time', 1)
      }
      await engine.flush()
      expect(bytesIn(await world.archive.get('a'))).toEqual([...original])
      expect(bytesIn(await world.cacheOf('a').get('a'))).toEqual([...original])
      for (const consistency of ['shared', 'source'] as const) {
        const item = await engine.get('a', { consistency, bytes: 'own' })
        expect(item?.bytes).toEqual(original)
        item!.bytes.fill(9)
      }
      await engine.stop()
      const after = world.engine('a')
      await after.start()
      expect((await after.get('a'))?.bytes).toEqual(original)
      expect(await after.verify({ deep: true })).toMatchObject({ isTrusted: true })
    },
  )

  it('cannot move a write in time: a stamp that is given out is not the one that counts [P75]', async () => {
    const engine = world.engine('a')
    await engine.start()
    const { stamp } = await engine.delete('a')
    const { time } = stamp
    Reflect.set(stamp, 'time', 1)
    const { pending } = await engine.explain('a')
    expect(pending?.stamp.time).toBe(time)
    Reflect.set(pending!.stamp, 'time', 1)
    expect((await engine.explain('a')).pending?.stamp.time).toBe(time)
  })

  it('reaches no other reader, from whichever tier it came [P75]', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', original)
    await engine.flush()
    const other = world.engine('b')
    await other.start()
    for (const consistency of READS) {
      // Two who share one load, and one who comes later.
      const readers = await Promise.all([1, 2].map(() => other.get('a', { consistency })))
      readers[0]!.bytes.fill(9)
      expect(readers[1]!.bytes).toEqual(original)
      expect((await other.get('a', { consistency }))!.bytes).toEqual(original)
    }
    expect(other.getSync('a')?.bytes).toEqual(original)
    expect(bytesIn(await world.cacheOf('b').get('a'))).toEqual([...original])
  })

  it('is the same for all who ask for shared bytes, by name', async () => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', original)
    await engine.flush()
    const shared = { bytes: 'shared' } as const
    const item = await engine.get('a', shared)
    expect((await engine.getMany(['a'], shared))[0]!.bytes).toBe(item!.bytes)
    expect(engine.getSync('a', shared)!.value).toBe(item!.bytes)
    expect(engine.getSync('a')!.bytes).not.toBe(item!.bytes)
    await expect(engine.get('a', { bytes: 'mine' as 'own' })).rejects.toMatchObject({ field: 'bytes' })
  })

  it('is what was asked for, also if the list of ids changes meanwhile [P75]', async () => {
    const engine = world.engine('a')
    await engine.start()
    for (const id of ['a', 'b']) await engine.submit(id, id)
    await engine.flush()
    const other = world.engine('b')
    await other.start()
    const ids = ['a', 'b']
    const read = other.getMany(ids)
    ids.reverse()
    ids.push('c')
    expect((await read).map((item) => item?.value)).toEqual(['a', 'b'])
    for (const wrong of ['ab', undefined, { 0: 'a', length: 1 }]) {
      await expect(other.getMany(wrong as never)).rejects.toMatchObject({
        code: 'SE_INVALID_INPUT',
        field: 'ids',
      })
    }
  })
})

describe('values', () => {
  it.each<[string, unknown]>([
    ['a Buffer', Buffer.of(1, 2, 3, 4)],
    ['a Uint16Array', new Uint16Array([0x0201, 0x0403])],
    ['a Float32Array', new Float32Array(Uint8Array.of(1, 2, 3, 4).buffer)],
    ['a DataView', new DataView(Uint8Array.of(0, 1, 2, 3, 4).buffer, 1)],
    ['an ArrayBuffer', Uint8Array.of(1, 2, 3, 4).buffer],
    [
      'a SharedArrayBuffer',
      new Uint8Array(new SharedArrayBuffer(4)).fill(0).map((_, index) => index + 1).buffer,
    ],
  ])('%s comes back as its bytes, from every tier [P76]', async (_, value) => {
    const engine = world.engine('a')
    await engine.start()
    await engine.submit('a', value)
    const pending = engine.getSync('a')!
    await engine.flush()
    for (const item of [
      pending,
      ...(await Promise.all(READS.map((consistency) => engine.get('a', { consistency })))),
    ]) {
      expect(item).toMatchObject({ contentType: 'application/octet-stream' })
      expect([...(item!.value as Uint8Array)]).toEqual([1, 2, 3, 4])
    }
  })

  it.each<[string, unknown, string]>([
    ['a Map', new Map([[1, 2]]), 'value'],
    ['a Promise', Promise.resolve({ a: 1 }), 'value'],
    ['a Blob', new Blob(['text']), 'value'],
    ['NaN', { users: [{ born: 1 }, { born: NaN }] }, 'value.users[1].born'],
  ])('%s is refused with its path, and nothing happens [P76]', async (_, value, path) => {
    const engine = world.engine('a')
    await engine.start()
    await expect(engine.submit('a', value)).rejects.toMatchObject({
      code: 'SE_INVALID_INPUT',
      field: 'value',
      details: { path },
    })
    expect(engine.status().gauges).toMatchObject({ pendingItems: 0, walEntries: 0, backpressureLevel: 0 })
  })

  it('come back as they were, or are refused: no value is acknowledged and then something else [P76]', async () => {
    const seed = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
    console.info(`seed ${seed}`)
    const random = seededRandom(seed)
    const engine = world.engine('a')
    await engine.start()
    const counts = { kept: 0, refused: 0 }
    for (let round = 0; round < 500; round++) {
      const lost = new Set<unknown>()
      const { value, expected } = makeValue(random, random.chance(0.5) ? 0 : 0.15, lost)
      // Within a list, as bytes alone are no JSON.
      const submitted = engine.submit('a', [value], { level: 'memory' })
      if (lost.size > 0) {
        counts.refused++
        await expect(submitted).rejects.toMatchObject({ code: 'SE_INVALID_INPUT', field: 'value' })
      } else {
        counts.kept++
        await submitted
        expect(engine.getSync('a')?.value).toStrictEqual([expected])
      }
    }
    expect(Math.min(counts.kept, counts.refused)).toBeGreaterThan(50)
  })

  it('go through the codec that is given, and come back through it, from every tier', async () => {
    const codec: Codec = { contentType: 'application/x-v8', encode: serialize, decode: deserialize }
    const engine = world.engine('a', { codec })
    await engine.start()
    const value = new Map([['when', new Date(5)]])
    await engine.submit('coded', value)
    await engine.submit('json', { a: 1 }, { contentType: 'application/json' })
    await engine.flush()
    for (const consistency of READS) {
      expect((await engine.get('coded', { consistency }))?.value).toEqual(value)
      expect((await engine.get('json', { consistency }))?.value).toEqual({ a: 1 })
    }
    const [one, other] = await engine.getMany(['coded', 'coded'])
    ;(one!.value as Map<string, unknown>).clear()
    expect(other!.value).toEqual(value)
    expect((await engine.get('coded'))?.value).toEqual(value)
  })

  it('are refused when the codec is none', () => {
    expect(() =>
      world.engine('a', { codec: { contentType: 'é', encode: serialize, decode: deserialize } }),
    ).toThrow(expect.objectContaining({ code: 'SE_INVALID_CONFIG', field: 'codec.contentType' }))
    for (const contentType of ['application/octet-stream', 'Application/Octet-Stream; a=b']) {
      expect(() =>
        world.engine('a', { codec: { contentType, encode: serialize, decode: deserialize } }),
      ).toThrow(/codec.contentType: is that of bytes/)
    }
    expect(() => world.engine('a', { codec: { contentType: 'x' } as Codec })).toThrow(
      /codec: must be a codec/,
    )
  })
})

const READS = ['local', 'shared', 'source'] as const
