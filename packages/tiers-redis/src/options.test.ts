import { InvalidConfig } from '@se/core'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { createCacheKeys } from './keys.ts'
import { reconnectDelayMs } from './connection.ts'
import { redisCache, type RedisCacheOptions } from './index.ts'
import { parseOptions } from './options.ts'

const url = 'redis://localhost:1'

/** Goal: a wrong option is refused before anything is connected, by its name, and a password is never shown. */
describe('options', () => {
  it.each<[field: string, options: object | null | undefined]>([
    ['url', {}],
    ['url', { url, nodes: [url] }],
    ['url', { url: 'http://localhost' }],
    ['url', { url: 'redis://' }],
    ['url', { url: 'localhost:6379' }],
    ['url', { url: 'redis://localhost/name' }],
    ['url', { url: 'redis://user:%zz@localhost' }],
    ['nodes[0]', { nodes: ['redis://user:%zz@localhost'] }],
    ['options', undefined],
    ['options', null],
    ['nodes', { nodes: [] }],
    ['nodes[1]', { nodes: [url, 'x'] }],
    ['prefix', { url, prefix: 'a{b}' }],
    ['prefix', { url, prefix: 'a b' }],
    ['prefix', { url, prefix: 'ä' }],
    ['prefix', { url, prefix: 'x'.repeat(65) }],
    ['ttlMs', { url, ttlMs: 0 }],
    ['ttlMs', { url, ttlMs: 1.5 }],
    ['commandTimeoutMs', { url, commandTimeoutMs: 60_001 }],
    ['connectTimeoutMs', { url, connectTimeoutMs: 0 }],
    ['ttl', { url, ttl: 5 }],
  ])('refuses a wrong %s: %j', (field, options) => {
    expect(() => redisCache(options as RedisCacheOptions)).toThrow(
      expect.objectContaining({ field, code: 'SE_INVALID_CONFIG' }),
    )
  })

  it('[P49] does not print what was given as a url', () => {
    for (const wrong of [
      'http://user:secret@host',
      'redis://user:secret@host/name',
      'redis://user:secret%@host',
      'secret',
    ]) {
      const thrown = (() => {
        try {
          return redisCache({ url: wrong })
        } catch (error) {
          return error
        }
      })()
      expect(thrown).toBeInstanceOf(InvalidConfig)
      expect(JSON.stringify(thrown) + String(thrown)).not.toContain('secret')
    }
  })

  it('refuses a client with a keyPrefix, which would come before every key', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'x:' })
    expect(() => redisCache({ client })).toThrow(expect.objectContaining({ field: 'client' }))
    client.disconnect()
  })

  it('has defaults', () => {
    expect(parseOptions({ url })).toMatchObject({
      keys: { prefix: 'se:' },
      ttlMs: undefined,
      commandTimeoutMs: 1_000,
      connectTimeoutMs: 2_000,
    })
  })
})

describe('keys', () => {
  it('have one slot a stripe, and no item has the key of a meta', () => {
    const keys = createCacheKeys('p:')
    expect(keys.meta(0)).toBe('p:{00}m')
    expect(keys.meta(63)).toBe('p:{63}m')
    expect(keys.itemIn(7, 'user.{a}')).toBe('p:{07}i:user.{a}')
    expect(keys.item('user.alice')).toMatch(/^p:\{[0-6]\d\}i:user\.alice$/)
    const metas = new Set(Array.from({ length: 64 }, (_, stripe) => keys.meta(stripe)))
    expect(metas.size).toBe(64)
    for (const id of ['m', '', '{00}m', ':m', 'i:']) expect(metas.has(keys.item(id))).toBe(false)
  })
})

describe('reconnecting', () => {
  it('waits longer each time, at most 2 s, and never the same for all', () => {
    const longest = Array.from({ length: 8 }, (_, index) => reconnectDelayMs(index + 1, 1))
    expect(longest).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
    expect(reconnectDelayMs(40, 0)).toBe(1_000)
  })
})
