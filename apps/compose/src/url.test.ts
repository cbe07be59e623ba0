import { describe, expect, it } from 'vitest'
import { describeUrl, withoutCredentials } from './url.ts'

describe('a url', () => {
  it('is shown without user, password and query [P49]', () => {
    expect(describeUrl('mysql://me:hunter2@host:3307/shop?token=hunter2')).toBe('mysql://host:3307/shop')
    expect(describeUrl('redis://:hunter2@127.0.0.1:6379')).toBe('redis://127.0.0.1:6379')
    expect(describeUrl('rediss://me:hunter2@cache/2')).toBe('rediss://cache/2')
  })

  it('is taken out of the texts of others, and its password in both spellings [P49]', () => {
    const url = 'mysql://me:hunter%202@host/db'
    expect(withoutCredentials(`cannot reach ${url} with "hunter 2" or hunter%202`, [undefined, url])).toBe(
      'cannot reach mysql://host/db with "***" or ***',
    )
    expect(withoutCredentials('as it is', ['redis://host'])).toBe('as it is')
  })
})
