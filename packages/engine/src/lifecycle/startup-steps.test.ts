import { expect, it } from 'vitest'
import { ON_PARTS, OPEN_ARCHIVE, OPEN_LOG } from './startup-steps.ts'

it('the steps of a start stand in the order that is its safety argument, each with its reason', () => {
  const steps = [OPEN_LOG, OPEN_ARCHIVE, ...ON_PARTS]
  expect(steps.map(({ name }) => name)).toEqual([
    'wal_init',
    'sql_connect',
    'replay',
    'tree',
    'cf_restore',
    'redis_connect',
    'redis_sync',
    'poll',
  ])
  expect(steps.filter(({ reason }) => reason.length < 20)).toEqual([])
})

it('what may be lost may be missing at a start, and nothing else; what needs it is left out then', () => {
  const optional = ON_PARTS.filter(({ isOptional }) => isOptional).map(({ name }) => name)
  expect(optional).toEqual(['redis_connect', 'redis_sync'])
  expect(ON_PARTS.filter(({ needsAllBefore }) => needsAllBefore).map(({ name }) => name)).toEqual([
    'redis_sync',
  ])
})
