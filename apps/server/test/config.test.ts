import { InvalidConfig } from '@se/core'
import { describe, expect, it } from 'vitest'
import { describeConfig, parseServerConfig } from '../src/config.ts'

const SECRET = 'hunter2'

describe('configuration', () => {
  it('has a default for everything; only this machine can reach it', () => {
    const config = parseServerConfig({})
    expect(config).toMatchObject({ host: '127.0.0.1', port: 3_000, sqlUrl: undefined, redisUrl: undefined })
    expect(config.dataDirectory).toMatch(/apps\/server\/data$/)
  })

  it('takes a data directory relative to where the command was typed, not to where Nx runs it', () => {
    expect(parseServerConfig({ SE_DATA_DIR: 'here', INIT_CWD: '/home/alice' }).dataDirectory).toBe(
      '/home/alice/here',
    )
    expect(parseServerConfig({ SE_DATA_DIR: '/there', INIT_CWD: '/home/alice' }).dataDirectory).toBe('/there')
  })

  it('reads an empty variable as unset', () => {
    expect(parseServerConfig({ SE_SQL_URL: '', SE_REDIS_URL: '', PORT: '' })).toMatchObject({
      sqlUrl: undefined,
      redisUrl: undefined,
      port: 3_000,
    })
  })

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['SE_STOP_MS', '600001'],
    ['SE_LOG_LEVEL', 'loud'],
    ['SE_SQL_URL', `postgres://app:${SECRET}@db/app`],
    ['SE_SQL_URL', `mysql://app:${SECRET}@`],
    ['SE_SQL_URL', `app:${SECRET}@db`],
    ['SE_REDIS_URL', `http://:${SECRET}@cache`],
  ])('refuses %s=%s by the name of the variable, and never quotes a url [P49]', (name, value) => {
    let refusal: unknown
    try {
      parseServerConfig({ [name]: value })
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(InvalidConfig)
    expect((refusal as InvalidConfig).field).toBe(name)
    expect(JSON.stringify([refusal, String(refusal), (refusal as Error).stack])).not.toContain(SECRET)
  })

  it('is described without user, password and query [P49]', () => {
    const config = parseServerConfig({
      SE_SQL_URL: `mysql://app:${SECRET}@db.internal:3307/items?token=${SECRET}`,
      SE_REDIS_URL: `rediss://app:${SECRET}@cache.internal/2`,
      SE_DATA_DIR: '/data',
    })
    expect(describeConfig(config)).toEqual({
      archive: 'mysql://db.internal:3307/items',
      cache: 'rediss://cache.internal/2',
      dataDirectory: '/data',
    })
  })
})
