/**
 * Goal: whatever the engine's face gives is plain: JSON keeps all of it, `console.log` shows all of it, and it is the caller's own,
 * so that nothing done to it reaches the engine [P75, P77].
 * Method: a whole engine on SQLite and a cache in memory; every call is made, everything it gives is put through JSON and then
 * spoilt, member by member; the engine must not notice.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { ArchiveRefusedData } from '@se/core'
import { systemClock } from '@se/core/node'
import { memoryCache, seededRandom } from '@se/core/testing'
import { createEngine, type Engine, type EngineConfig } from '@se/engine'
import { cacheDigests } from '@se/merkle/testing'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'

let directory: string
let engine: Engine
const REFUSED = 'refused'

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'se-plain-'))
  engine = createEngine(config())
})
afterEach(async () => {
  await engine.stop()
  await rm(directory, { recursive: true })
})

function config(): EngineConfig {
  const archive = sqliteArchive({ file: path.join(directory, 'archive.db') })
  const putBatch = archive.putBatch.bind(archive)
  // One id that the archive never takes, so that something is parked.
  archive.putBatch = async (batch) => {
    if (batch.writes.some(({ id }) => id === REFUSED)) throw new ArchiveRefusedData('refused by the test')
    return putBatch(batch)
  }
  return {
    log: { directory: path.join(directory, 'log') },
    archive,
    cache: memoryCache({ random: seededRandom(1), ...cacheDigests }),
    clock: systemClock,
    branches: ['user.'],
  }
}

/** Every call of the face that gives something, in an order in which each has something to give. */
const CALLS: readonly (readonly [string, (engine: Engine) => unknown])[] = [
  ['status before the start', (e) => e.status()],
  ['start', (e) => e.start()],
  ['submit', (e) => e.submit('user.alice', { name: 'Alice', tags: ['a'] })],
  ['submit at level archive', (e) => e.submit('user.bob', Uint8Array.of(0, 255), { level: 'archive' })],
  ['submit at level memory', (e) => e.submit('user.carol', 'Carol', { level: 'memory' })],
  ['explain what is pending', (e) => e.explain('user.alice')],
  ['getSync', (e) => e.getSync('user.alice')],
  ['get what is pending', (e) => e.get('user.alice')],
  ['delete', (e) => e.delete('user.dave')],
  ['status', (e) => e.status()],
  ['flush', (e) => e.flush()],
  ['get JSON', (e) => e.get('user.alice')],
  ['get bytes', (e) => e.get('user.bob', { consistency: 'shared' })],
  ['get from the archive', (e) => e.get('user.bob', { consistency: 'source' })],
  ['read', (e) => e.read('user.alice')],
  ['getMany', (e) => e.getMany(['user.alice', 'user.bob', 'nobody'])],
  ['contains', (e) => e.contains('user.alice')],
  ['containsFast', (e) => e.containsFast('user.alice')],
  ['explain', (e) => e.explain('user.alice')],
  ['explain a delete', (e) => e.explain('user.dave')],
  ['roots', (e) => e.roots()],
  ['verify', (e) => e.verify({ deep: true, repair: true })],
  ['submit what the archive refuses', (e) => e.submit(REFUSED, 'x')],
  ['flush what the archive refuses', (e) => e.flush()],
  ['parked', (e) => e.parked()],
  ['explain what is parked', (e) => e.explain(REFUSED)],
  ['retryParked', (e) => e.retryParked(REFUSED)],
  ['dropParked', (e) => e.dropParked(REFUSED)],
  ['status at work', (e) => e.status()],
  ['verify at the end', (e) => e.verify({ deep: true })],
  ['stop', (e) => e.stop()],
  ['status after the stop', (e) => e.status()],
]

it('is plain, and the caller’s own: JSON keeps it, console.log shows it, and spoiling it changes nothing [P75] [P77]', async () => {
  for (const [name, call] of CALLS) {
    const given = await call(engine)
    expect(lostByJson(given), name).toEqual([])
    expect(inspect(given, { depth: 20 }), name).not.toMatch(
      /Map\(|Set\(|\d+n\b|\b_[A-Z]\w+ |\[Object|\[Function/,
    )
    spoil(given)
  }
  engine = createEngine(config())
  await engine.start()
  expect((await engine.get('user.alice'))?.value).toEqual({ name: 'Alice', tags: ['a'] })
  expect([...(await engine.get('user.bob'))!.bytes]).toEqual([0, 255])
  expect((await engine.get('user.carol'))?.value).toBe('Carol')
  expect(await engine.get('user.dave')).toBeUndefined()
  expect(engine.parked()).toEqual([])
  expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true, rowsRead: 4 })
})

it('calls every method that there is', () => {
  const called = new Set(CALLS.map(([, call]) => /\be\.(\w+)\(/.exec(call.toString())?.[1]))
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(engine)).filter(
    (name) =>
      typeof Object.getOwnPropertyDescriptor(Object.getPrototypeOf(engine), name)?.value === 'function',
  )
  expect(methods.filter((name) => !called.has(name)).sort()).toEqual(['constructor'])
})

it('tells why it failed in plain words', async () => {
  const given = config()
  given.archive.open = () => Promise.reject(new TypeError('no such thing'))
  engine = createEngine(given)
  await expect(engine.start()).rejects.toThrow('no such thing')
  expect(JSON.parse(JSON.stringify(engine.status()))).toMatchObject({
    phase: 'Failed',
    failure: { name: 'TypeError', message: 'no such thing' },
  })
})

/** Paths of what JSON drops, empties or changes. An absent member is nothing lost. */
function lostByJson(value: unknown): string[] {
  const lost: string[] = []
  const compare = (path: string, from: unknown, to: unknown): void => {
    if (from === undefined) return
    if (hasToJson(from)) return compare(path, from.toJSON(), to)
    if (typeof from !== 'object' || from === null) {
      // -0 is 0 in JSON.
      if (from !== to) lost.push(path)
      return
    }
    const isList = Array.isArray(from)
    if (!isList && Object.getPrototypeOf(from) !== Object.prototype) lost.push(path)
    for (const name of Reflect.ownKeys(from)) {
      if (isList && name === 'length') continue
      compare(`${path}.${String(name)}`, Reflect.get(from, name), Reflect.get(Object(to) as object, name))
    }
  }
  compare('', value, value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
  return lost
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === 'function'
}

/** Sets every member that can be set to something else, however deep. */
function spoil(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof Uint8Array) return void value.fill(0xee)
  for (const name of ['bytes', 'value', ...Reflect.ownKeys(value)]) {
    spoil(Reflect.get(value, name), seen)
    if (Object.hasOwn(value, name)) Reflect.set(value, name, name === 'length' ? 0 : 'spoilt')
  }
}
