/**
 * Goal: which parts may answer a read is one table: nothing that this process knows itself decides while it is not known to be
 * recent, and a `source` read believes nothing but the archive.
 * Method: every consistency under every freshness.
 */
import { expect, it } from 'vitest'
import { routeOf, type Route } from './route.ts'

// prettier-ignore
it.each([
  // consistency, freshness   memory  shares  pending     filter
  ['local',  'fresh',   [true,  true,  'answers',  true]],
  ['local',  'stale',   [false, true,  'asks',     false]],
  ['local',  'unknown', [false, true,  'asks',     false]],
  ['shared', 'fresh',   [false, false, 'answers',  true]],
  ['shared', 'stale',   [false, false, 'asks',     false]],
  ['shared', 'unknown', [false, false, 'asks',     false]],
  ['source', 'fresh',   [false, false, 'compares', false]],
  ['source', 'stale',   [false, false, 'compares', false]],
  ['source', 'unknown', [false, false, 'compares', false]],
] as const)('a %s read of a process that is %s goes its way [R1, R3, R5]', (consistency, freshness, expected) => {
  const [memory, sharesWithMemory, pending, filter] = expected
  const route: Route = { memory, sharesWithMemory, pending, filter }
  expect(routeOf(consistency, freshness)).toEqual(route)
})
