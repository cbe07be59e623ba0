import { InvalidConfig } from '@se/core'
import { optionsContract } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { createCacheKeys } from './keys.ts'
import { reconnectDelayMs } from './client.ts'
import { redisCache, type RedisCacheOptions } from './index.ts'
import { OPTIONS, parseOptions } from './options.ts'

const url = 'redis://localhost:1'

/** Goal: a wrong option is refused before anything is connected, by its name, and a password is never shown. */
describe('options', () => {
  const call = async (given: object) => redisCache({ url, ...given })
  const code = 'SE_INVALID_CONFIG'
  for (const { title, run } of optionsContract(OPTIONS, call, { code })) it(`${title} [P77]`, run)

  it.each<[field: string, options: object | null | undefined]>([
    ['url', {}],
    ['url', { url, nodes: [url] }],
    ['url', { url: 'http://localhost' }],
    ['url', { url: 'redis://' }],
    ['url', { url: 'localhost:6379' }],
    ['url', { url: 'redis://localhost/name' }],
    ['url', { url: 'redis://user:%zz@localhost' }],
    ['url', { url: 'redis://localhost?db=3' }],
    ['url', { url: 'redis://localhost/3?keyPrefix=x' }],
    ['url', { url: 'redis://localhost#x' }],
    ['nodes[0]', { nodes: ['redis://user:%zz@localhost'] }],
    ['nodes[1]', { nodes: [url, 'redis://localhost/1'] }],
    ['nodes[1]', { nodes: ['redis://a:b@localhost', 'redis://a:c@localhost'] }],
    ['nodes[1]', { nodes: ['redis://localhost', 'rediss://localhost'] }],
    ['nodes', { nodes: 'redis://localhost' }],
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
    ['valueBytesMax', { url, valueBytesMax: -1 }],
    ['valueBytesMax', { url, valueBytesMax: 2 ** 30 }],
    ['onConnectionError', { url, onConnectionError: 'log' }],
    ['ttl', { url, ttl: 5 }],
  ])('refuses a wrong %s: %j', (field, options) => {
    expect(() => redisCache(options as RedisCacheOptions)).toThrow(
      expect.objectContaining({ field, code: 'SE_INVALID_CONFIG' }),
    )
  })

  it('does not print what was given as a url [P49]', () => {
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

  it('has defaults', () => {
    expect(parseOptions({ url })).toMatchObject({
      prefix: 'se:',
      ttlMs: undefined,
      valueBytesMax: 1_048_576,
      commandTimeoutMs: 1_000,
      connectTimeoutMs: 2_000,
    })
  })
})

describe('where Redis is', () => {
  it('is read from the url whole, an IPv6 address without its brackets [P69]', () => {
    expect(parseOptions({ url: 'redis://[::1]:7000/2' }).target).toMatchObject({
      server: { host: '::1', port: 7000, db: 2 },
    })
    expect(parseOptions({ nodes: ['redis://[::1]:7000', 'redis://10.0.0.2'] }).target).toMatchObject({
      nodes: [
        { host: '::1', port: 7000 },
        { host: '10.0.0.2', port: 6379 },
      ],
    })
  })

  it('has user and password with every special character, for nodes from whichever names them', () => {
    const secret =
      Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('') + 'äß漢😀'
    const login = `${encodeURIComponent(`user ${secret}`)}:${encodeURIComponent(secret)}@`
    const credentials = { username: `user ${secret}`, password: secret }
    expect(parseOptions({ url: `rediss://${login}host` }).target).toMatchObject({
      server: { host: 'host', ...credentials, tls: {} },
    })
    expect(parseOptions({ nodes: ['redis://a', `redis://${login}b`] }).target).toMatchObject({ credentials })
    expect(parseOptions({ url: `redis://:${encodeURIComponent(secret)}@host` }).target).toEqual({
      kind: 'standalone',
      server: { host: 'host', port: 6379, db: 0, password: secret },
    })
  })
})

describe('keys', () => {
  const keys = createCacheKeys('p:', '01234567'.repeat(4))

  it('have one slot a stripe, and no item has the key of a meta or a stand', () => {
    expect(keys.meta(0)).toBe('p:01234567:{00}m')
    expect(keys.stand(63)).toBe('p:01234567:{63}s')
    expect(keys.itemIn(7, 'user.{a}')).toBe('p:01234567:{07}i:user.{a}')
    expect(keys.item('user.alice')).toMatch(/^p:01234567:\{[0-6]\d\}i:user\.alice$/)
    const own = new Set(
      Array.from({ length: 64 }, (_, stripe) => [keys.meta(stripe), keys.stand(stripe)]).flat(),
    )
    expect(own.size).toBe(128)
    for (const id of ['m', 's', '', '{00}m', ':m', 'i:']) expect(own.has(keys.item(id))).toBe(false)
  })

  it('of two archives are never the same, whatever their ids are [P66]', () => {
    const other = createCacheKeys('p:', '01234568'.repeat(4))
    for (const id of ['a', '', '{00}m']) expect(keys.item(id)).not.toBe(other.item(id))
    expect(keys.meta(5)).not.toBe(other.meta(5))
  })
})

describe('reconnecting', () => {
  it('waits longer each time, at most 2 s, and never the same for all', () => {
    const longest = Array.from({ length: 8 }, (_, index) => reconnectDelayMs(index + 1, 1))
    expect(longest).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
    expect(reconnectDelayMs(40, 0)).toBe(1_000)
  })
})
