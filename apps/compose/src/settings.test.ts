import { InvalidConfig } from '@se/core'
import { describe, expect, it } from 'vitest'
import { readSettings } from './settings.ts'

const SECRET = 'hunter2'

describe('settings', () => {
  it('take nothing for granted: unset and empty are the same', () => {
    const nothing = {
      sqlUrl: undefined,
      redisUrl: undefined,
      redisPrefix: undefined,
      dataDirectory: undefined,
    }
    expect(readSettings({}, '/work')).toEqual(nothing)
    const empty = { SE_SQL_URL: '', SE_REDIS_URL: '', SE_REDIS_PREFIX: '', SE_DATA_DIR: '', INIT_CWD: '' }
    expect(readSettings(empty, '/work')).toEqual(nothing)
  })

  it('resolve a relative data directory against the folder the user typed the command in', () => {
    const directory = (environment: Record<string, string>) =>
      readSettings(environment, '/work').dataDirectory
    expect(directory({ SE_DATA_DIR: 'data', INIT_CWD: '/home/a' })).toBe('/home/a/data')
    expect(directory({ SE_DATA_DIR: 'data' })).toBe('/work/data')
    expect(directory({ SE_DATA_DIR: 'data', INIT_CWD: '' })).toBe('/work/data')
    expect(directory({ SE_DATA_DIR: '/abs', INIT_CWD: '/home/a' })).toBe('/abs')
  })

  it.each(['mysql://app@db/items', 'mariadb://app@db/items'])('take the database %s', (url) => {
    expect(readSettings({ SE_SQL_URL: url }, '/work').sqlUrl).toBe(url)
  })

  it.each([
    ['SE_SQL_URL', `postgres://app:${SECRET}@db/app`],
    ['SE_SQL_URL', `mysql://app:${SECRET}@`],
    ['SE_SQL_URL', `app:${SECRET}@db`],
    ['SE_SQL_URL', SECRET],
    ['SE_REDIS_URL', `http://:${SECRET}@cache`],
    ['SE_REDIS_URL', 'redis://'],
    ['SE_REDISURL', SECRET],
  ])('refuse %s=%s by the name of the variable, and never quote its value [P49]', (name, value) => {
    let refusal: unknown
    try {
      readSettings({ [name]: value, HOME: '/' }, '/work')
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(InvalidConfig)
    expect((refusal as InvalidConfig).field).toBe(name)
    expect(JSON.stringify([refusal, String(refusal), (refusal as Error).stack])).not.toContain(SECRET)
  })

  it('know the variables an app adds [P77]', () => {
    const known = { SE_DATA_DIR: 'where', SE_STOP_MS: 'how long' }
    expect(readSettings({ SE_STOP_MS: '5', SE_DATA_DIR: '/abs' }, '/', known).dataDirectory).toBe('/abs')
    expect(() => readSettings({ SE_STOP_MS: '5' }, '/')).toThrow(/SE_STOP_MS: is not a variable/)
  })
})
