import { expect, it } from 'vitest'
import { CallAborted, InvalidInput, TierUnavailable } from './errors.ts'

it('an error has its message and its cause in JSON, where an Error by itself is {} [P77]', () => {
  expect(
    JSON.parse(JSON.stringify({ error: new InvalidInput('id', 'is too long', { limit: 255 }) })),
  ).toEqual({
    error: {
      name: 'InvalidInput',
      code: 'SE_INVALID_INPUT',
      message: 'id: is too long',
      details: { field: 'id', limit: 255 },
    },
  })
  const cause = new TierUnavailable('no answer', { cause: new TypeError('socket') })
  expect(JSON.parse(JSON.stringify(new CallAborted('get', cause)))).toMatchObject({
    code: 'SE_CALL_ABORTED',
    cause: { code: 'SE_TIER_UNAVAILABLE', cause: { name: 'TypeError', message: 'socket' } },
  })
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', errno: -111 })
  expect(
    JSON.parse(JSON.stringify(new TierUnavailable('x', { cause: refused, details: { sum: 2n } }))),
  ).toMatchObject({
    details: { sum: '2' },
    cause: { name: 'Error', code: 'ECONNREFUSED', message: 'refused' },
  })
  expect(JSON.parse(JSON.stringify(new TierUnavailable('x', { cause: 7 })))).toMatchObject({ cause: '7' })
})
