import { describe, expect, it } from 'vitest'
import { describeUrl, parseSettings, withoutCredentials } from './settings.ts'

describe('settings', () => {
  it('takes nothing for granted: unset and empty are the same', () => {
    const nothing = {
      sqlUrl: undefined,
      redisUrl: undefined,
      redisPrefix: undefined,
      dataDirectory: undefined,
    }
    expect(parseSettings({}, '/work')).toEqual(nothing)
    expect(parseSettings({ SE_SQL_URL: '', SE_REDIS_URL: '', SE_DATA_DIR: '' }, '/work')).toEqual(nothing)
  })

  it('resolves a relative data directory against the folder the user typed the command in', () => {
    expect(parseSettings({ SE_DATA_DIR: 'data', INIT_CWD: '/home/a' }, '/work').dataDirectory).toBe(
      '/home/a/data',
    )
    expect(parseSettings({ SE_DATA_DIR: 'data' }, '/work').dataDirectory).toBe('/work/data')
    expect(parseSettings({ SE_DATA_DIR: '/abs', INIT_CWD: '/home/a' }, '/work').dataDirectory).toBe('/abs')
  })

  it('refuses a url of another kind by its name, without repeating it [P49]', () => {
    for (const [name, value] of [
      ['SE_SQL_URL', 'postgres://me:geheim@host/db'],
      ['SE_SQL_URL', 'geheim'],
      ['SE_REDIS_URL', 'http://me:geheim@host'],
      ['SE_REDIS_URL', 'redis://'],
    ] as const) {
      let message = ''
      try {
        parseSettings({ [name]: value }, '/work')
      } catch (error) {
        message = String(error)
      }
      expect(message).toContain(name)
      expect(message).not.toContain('geheim')
    }
  })

  it('[P77] refuses a variable of ours that nobody reads by its name, without repeating its value', () => {
    const parse = () => parseSettings({ SE_SQLURL: 'geheim', HOME: '/' }, '/work')
    expect(parse).toThrow(/SE_SQLURL: is not a variable of this program; there are SE_SQL_URL/)
    expect(parse).not.toThrow(/geheim/)
  })

  it('shows urls without who and with what [P49]', () => {
    expect(describeUrl('mysql://me:geheim@host:3307/shop')).toBe('host:3307/shop')
    expect(describeUrl('redis://:geheim@127.0.0.1:6379')).toBe('127.0.0.1:6379')
    const sqlUrl = 'mysql://me:ge%20heim@host/db'
    const settings = parseSettings({ SE_SQL_URL: sqlUrl }, '/work')
    expect(withoutCredentials(`cannot reach ${sqlUrl} with "ge heim"`, settings)).toBe(
      'cannot reach host/db with "***"',
    )
  })
})
