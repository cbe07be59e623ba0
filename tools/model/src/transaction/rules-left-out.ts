import type { Rules, Store } from './rules.ts'
import type * as scenarios from './scenarios.ts'

/** A change of the protocol, the scenario that shows it, and what then goes wrong. */
export interface LeftOut {
  /** What is left out or done instead, in a few words. */
  readonly name: string
  readonly scenario: keyof typeof scenarios
  readonly changed: Partial<Rules>
  /** What goes wrong; `undefined`: nothing does, as another rule covers it. */
  readonly breaks: string | undefined
  /** Ways to store under which nothing breaks. */
  readonly spares?: readonly Store[]
  /** Other violations, which come with it, are passed over. */
  readonly onlyThis?: boolean
}

const HOPELESS = 'no end can be reached any more'
const RESURRECTED = 'a deleted item was resurrected'
const OLDER = 'an older write replaced a newer one'
const FENCED = 'a fenced process committed'
const WRONG_IN = 'told as in, and it is not'
const WRONG_OUT = 'told as out, and it was committed'
const WRONG_GONE_BACK = 'believes that the archive has gone back, which it has not'
const WRONG_REFUSAL = 'refused as having no row, though a row was there'

/** How rows are stored. */
const STORES: readonly LeftOut[] = [
  {
    name: 'upsert guarded by version',
    scenario: 'lateWrite',
    changed: { store: 'upsert', 'exact-tombstones': false },
    breaks: RESURRECTED,
  },
  {
    name: 'upsert guarded by version, affected rows counted',
    scenario: 'lateWrite',
    changed: { store: 'upsert-counted', 'exact-tombstones': false },
    breaks: OLDER,
  },
  {
    name: 'upsert guarded by stamp',
    scenario: 'lateWrite',
    changed: { store: 'upsert-stamp', 'exact-tombstones': false },
    breaks: RESURRECTED,
  },
  {
    name: 'upsert guarded by version, tombstones listed first, by the letter',
    scenario: 'lateWriteLetter',
    changed: { store: 'upsert' },
    breaks: 'names another row as replaced than it has replaced',
  },
  {
    name: 'upsert counted, tombstones listed first, a pass that does not change the floor',
    scenario: 'lateWriteTwoPasses',
    changed: { store: 'upsert-counted', 'raise-changes-floor': false },
    breaks: OLDER,
  },
  {
    name: 'upsert counted, tombstones listed first, the floor changed',
    scenario: 'lateWriteTwoPasses',
    changed: { store: 'upsert-counted' },
    breaks: undefined,
  },
  {
    name: 'FOR UPDATE, tombstones not listed first',
    scenario: 'lateWriteLetter',
    changed: { 'exact-tombstones': false },
    breaks: undefined,
  },
  {
    name: 'UPDATE guarded by stamp, tombstones not listed first, equal floors',
    scenario: 'lateWriteTwoPasses',
    changed: { store: 'guarded', 'exact-tombstones': false, 'raise-changes-floor': false },
    breaks: undefined,
  },
]

/** What the last statement compares, and when COMMIT is sent. */
const LAST_STATEMENT: readonly LeftOut[] = [
  {
    name: 'neither epoch nor nonce compared',
    scenario: 'zombie',
    changed: { 'epoch-compared': false, 'nonce-compared': false },
    breaks: FENCED,
  },
  {
    name: 'epoch not compared, but the nonce',
    scenario: 'zombie',
    changed: { 'epoch-compared': false },
    breaks: undefined,
  },
  {
    name: 'floor not compared',
    scenario: 'lateWrite',
    changed: { 'floor-compared': false },
    breaks: RESURRECTED,
    spares: ['immediate'],
  },
  {
    name: 'last sequence not compared',
    scenario: 'changedBatch',
    changed: { 'sequence-compared': false },
    breaks: WRONG_IN,
  },
  {
    name: 'COMMIT sent with the last statement, attempt not compared',
    scenario: 'changedBatch',
    changed: { 'commit-alone': false, 'attempt-compared': false },
    breaks: WRONG_OUT,
    spares: ['immediate'],
  },
  {
    name: 'COMMIT sent with the last statement, attempt compared',
    scenario: 'changedBatch',
    changed: { 'commit-alone': false },
    breaks: undefined,
  },
  {
    name: 'attempt not compared, COMMIT sent alone',
    scenario: 'lostTwice',
    changed: { 'attempt-compared': false },
    breaks: undefined,
  },
  {
    name: 'COMMIT of s + 1 waits for the verdict on s',
    scenario: 'changedBatch',
    changed: { 'commit-waits-for-none': false },
    breaks: HOPELESS,
    spares: ['certified'],
  },
]

/** What is concluded from an answer, or from none. */
const VERDICTS: readonly LeftOut[] = [
  {
    name: 'the verdict does not wait for the instance’s row',
    scenario: 'changedBatch',
    changed: { 'attempt-waits': false },
    breaks: WRONG_OUT,
  },
  {
    name: 'the attempt is remembered, and raised whatever the epoch',
    scenario: 'zombie',
    changed: { 'attempt-read': false, 'attempt-of-own-epoch': false },
    breaks: HOPELESS,
  },
  {
    name: 'the attempt is remembered',
    scenario: 'restoredUnderWay',
    changed: { 'attempt-read': false },
    breaks: HOPELESS,
  },
  {
    name: 'the attempt is read, and raised whatever the epoch',
    scenario: 'zombie',
    changed: { 'attempt-of-own-epoch': false },
    breaks: undefined,
  },
  {
    name: 'no row, and the predecessor out: “gone back”',
    scenario: 'changedBatch',
    changed: { 'predecessor-may-be-out': false },
    breaks: WRONG_GONE_BACK,
  },
  {
    name: 'duplicate key in the ledger: redo',
    scenario: 'zombie',
    changed: { 'duplicate-is-judged': false },
    breaks: HOPELESS,
  },
  {
    name: 's + 1 takes the number of s while that is in doubt',
    scenario: 'refusedData',
    changed: { 'number-kept-in-doubt': false },
    breaks: WRONG_GONE_BACK,
  },
  {
    name: 's + 1 takes the number of s while that is in doubt, and links are not compared',
    scenario: 'refusedData',
    changed: { 'number-kept-in-doubt': false, 'link-compared': false },
    breaks: WRONG_IN,
  },
  {
    name: 'step 5 sent in any order, and the number not counted again',
    scenario: 'refusedData',
    changed: { 'last-in-order': false, 'number-counted-again': false },
    breaks: WRONG_GONE_BACK,
  },
  {
    name: 'step 5 sent in any order',
    scenario: 'refusedData',
    changed: { 'last-in-order': false },
    breaks: undefined,
  },
  {
    name: 'step 5 sent in any order, and the client waits without a bound',
    scenario: 'twoPairs',
    changed: { 'last-in-order': false, 'client-bound': false },
    breaks: undefined,
  },
  {
    name: 'a fenced process in doubt says “failed”',
    scenario: 'zombie',
    changed: { 'fenced-is-unknown': false },
    breaks: WRONG_OUT,
  },
  {
    name: 'an epoch that repeats: neither nonce nor link compared',
    scenario: 'sameEpochForgiven',
    changed: { 'nonce-compared': false, 'link-compared': false },
    breaks: WRONG_IN,
  },
  {
    name: 'an epoch that repeats: link compared, nonce not',
    scenario: 'sameEpochForgiven',
    changed: { 'nonce-compared': false },
    breaks: WRONG_IN,
  },
  {
    name: 'an epoch that repeats: nonce compared, link not',
    scenario: 'sameEpochTwice',
    changed: { 'link-compared': false },
    breaks: undefined,
  },
  {
    name: 'a number given again: nonce not compared',
    scenario: 'numberReused',
    changed: { 'nonce-compared': false },
    breaks: FENCED,
  },
]

/** Floor, filter, claims and the collector. */
const FLOORS: readonly LeftOut[] = [
  {
    name: 'the filter may deny an id at or below the floor',
    scenario: 'lateWrite',
    changed: { 'filter-heeds-floor': false },
    breaks: WRONG_REFUSAL,
  },
  {
    name: 'the floor is read after the SELECT',
    scenario: 'lateWrite',
    changed: { 'floor-read-first': false },
    breaks: WRONG_REFUSAL,
    spares: ['immediate'],
  },
  {
    name: 'the floor is not raised in the instances’ rows',
    scenario: 'lateWrite',
    changed: { 'raise-each': false },
    breaks: RESURRECTED,
  },
  {
    name: 'tombstones are deleted before the floor is raised',
    scenario: 'lateWrite',
    changed: { 'raise-first': false },
    breaks: RESURRECTED,
  },
  {
    name: 'a raise may lower the floor',
    scenario: 'twoCollectors',
    changed: { 'raise-only-up': false },
    breaks: RESURRECTED,
  },
  {
    name: 'a new instance reads the floor without its lock',
    scenario: 'newInstance',
    changed: { 'claim-locks-floor': false },
    breaks: RESURRECTED,
  },
  {
    name: 'the instances are listed before the raise is committed',
    scenario: 'newInstance',
    changed: { 'list-after-raise': false },
    breaks: RESURRECTED,
  },
  {
    name: 'a take-over reads the last sequence without a lock',
    scenario: 'takeOver',
    changed: { 'take-over-locks': false },
    breaks: WRONG_GONE_BACK,
  },
  {
    name: 'a take-over reads the last sequence without a lock, and links are not compared',
    scenario: 'takeOver',
    changed: { 'take-over-locks': false, 'link-compared': false },
    breaks: WRONG_IN,
  },
]

/** Bounds, without which some wait for ever. */
const BOUNDS: readonly LeftOut[] = [
  {
    name: 'the client waits for its predecessor without a bound',
    scenario: 'twoPairs',
    changed: { 'client-bound': false },
    breaks: HOPELESS,
    spares: ['certified'],
  },
  {
    name: 'the server waits for a lock without a bound, and sees no deadlock',
    scenario: 'deadlock',
    changed: { 'server-bound': false },
    breaks: HOPELESS,
    spares: ['guarded', 'immediate', 'certified'],
  },
  {
    name: 'no bound at all',
    scenario: 'twoInFlight',
    changed: { 'client-bound': false, 'server-bound': false },
    breaks: HOPELESS,
    spares: ['certified'],
  },
  {
    name: 'an old transaction never ends',
    scenario: 'changedBatch',
    changed: { 'ghosts-end': false },
    breaks: HOPELESS,
  },
]

/** In which order rows of the ledger are read. */
const ORDERS: readonly LeftOut[] = [
  {
    name: 'batches of a process are not read by sequence',
    scenario: 'orderOfProcess',
    changed: { 'order-by-sequence': false },
    breaks: 'who reads the ledger takes a batch before an earlier one of its process',
  },
  {
    name: 'rows of an id are read by the stamps they replaced',
    scenario: 'order',
    changed: { 'order-by-stamp': false },
    breaks: 'who reads the ledger ends with another row than the archive',
  },
]

export const RULES_LEFT_OUT: readonly LeftOut[] = [
  ...STORES,
  ...LAST_STATEMENT,
  ...VERDICTS,
  ...FLOORS,
  ...BOUNDS,
  ...ORDERS,
]
