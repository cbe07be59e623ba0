import { InvalidInput, TierUnavailable } from '@se/core'
import { expect, it } from 'vitest'
import { errorKind } from './error-kind.ts'

it('gives codes of ours and one word for all others, so that labels stay bounded [P48]', () => {
  expect(errorKind(new TierUnavailable('redis: no answer in 3 ms'))).toBe('SE_TIER_UNAVAILABLE')
  expect(errorKind(new InvalidInput('id', 'is bad'))).toBe('SE_INVALID_INPUT')
  expect(errorKind(Object.assign(new Error('x'), { code: 'user.alice' }))).toBe('UNEXPECTED')
  expect(errorKind('text')).toBe('UNEXPECTED')
})
