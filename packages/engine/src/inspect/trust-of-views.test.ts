/** Goal: what is said of the views as a whole. Method: a table of what is known of each. */
import { STRIPE_COUNT } from '@se/core/hash'
import { expect, it } from 'vitest'
import type { Trust } from '../seam/trust.ts'
import { trustOfViews, type ViewEvidence } from './trust-of-views.ts'

const trusted: Trust = { isTrusted: true }
const lost: Trust = { isTrusted: false, because: 'gap: pruned' }
const all = { count: STRIPE_COUNT, failure: undefined }

it.each<[string, Partial<ViewEvidence>, cache: Trust | undefined]>([
  ['there is none', { stripes: undefined }, undefined],
  ['all stripes may be asked', {}, trusted],
  ['the filter is untrusted', { filter: lost }, trusted],
  [
    'the tree is untrusted',
    { tree: lost },
    { isTrusted: false, because: 'the tree is untrusted: gap: pruned' },
  ],
  [
    'a stripe may not be asked',
    { stripes: { ...all, count: STRIPE_COUNT - 1 } },
    { isTrusted: false, because: '1 of 64 stripes are not at the heads' },
  ],
  [
    'a part of it has failed',
    { stripes: { count: 0, failure: new Error('redis: no answer') } },
    { isTrusted: false, because: '64 of 64 stripes are not at the heads: redis: no answer' },
  ],
])('the cache where %s', (_, evidence, cache) => {
  const { tree, filter, ...others } = trustOfViews({
    tree: trusted,
    filter: trusted,
    stripes: all,
    ...evidence,
  })
  expect(others).toEqual(cache === undefined ? {} : { cache })
  expect({ tree, filter }).toEqual({ tree: evidence.tree ?? trusted, filter: evidence.filter ?? trusted })
})
