import { expect, it } from 'vitest'
import { judgeStripe, type StripeEvidence } from './stripe-judgement.ts'

const ours: StripeEvidence = {
  read: 'state',
  way: 'known',
  suspectedForMs: undefined,
  mayStartOver: false,
  mayHoldLost: false,
  stalenessMs: 500,
}
const foreign: StripeEvidence = { ...ours, way: 'another-history' }
const another: StripeEvidence = { ...ours, way: 'another-archive' }

/** Goal: the table above the function is what it does. */
it.each<[string, StripeEvidence, ReturnType<typeof judgeStripe>]>([
  ['could not be read', { ...ours, read: 'unknown', way: undefined }, 'leave'],
  ['has no meta', { ...ours, read: 'none', way: undefined }, 'create'],
  ['stands at the heads', { ...ours, way: 'at-heads' }, 'believe'],
  ['is behind', ours, 'advance'],
  [
    'stands at the heads, and may hold what is lost [P65]',
    { ...ours, way: 'at-heads', mayHoldLost: true },
    'start-over',
  ],
  ['is behind, and may hold what is lost [P65]', { ...ours, mayHoldLost: true }, 'start-over'],
  ['is too far behind', { ...ours, way: 'pruned' }, 'start-over'],
  ['is foreign at first sight', { ...foreign, mayStartOver: true }, 'suspect'],
  ['is foreign for a moment', { ...foreign, mayStartOver: true, suspectedForMs: 499 }, 'suspect'],
  [
    'is foreign, and was never ours [P66]',
    { ...foreign, mayStartOver: true, suspectedForMs: 500 },
    'start-over',
  ],
  ['was ours, and is foreign for a moment [P66]', { ...foreign, suspectedForMs: 499 }, 'suspect'],
  ['was ours, and is foreign [P66]', { ...foreign, suspectedForMs: 500 }, 'stranger'],
  ['was left by the archive that was restored [P65]', { ...another, mayStartOver: true }, 'start-over'],
  ['was ours, and is of another archive at first sight [P66]', another, 'suspect'],
  ['was ours, and is of another archive [P66]', { ...another, suspectedForMs: 500 }, 'stranger'],
])('a stripe that %s', (_, evidence, verdict) => {
  expect(judgeStripe(evidence)).toBe(verdict)
})
