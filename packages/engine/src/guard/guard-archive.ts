import { equalStamps, type ArchiveBatch, type ArchiveTier, type RetirementRequest } from '@se/core'
import type { BreakerState } from '../observer/events.ts'
import { Guard, type GuardLimits, type GuardOptions } from './guard.ts'
import { guardTier, type Policies } from './policy.ts'
import { RunningCalls } from './running-calls.ts'

/** Limits in front of L3. A lookup may wait for a busy database, as there is no other tier to ask. */
export const ARCHIVE_GUARD_LIMITS: GuardLimits = {
  lookupMs: 5_000,
  callMs: 30_000,
  longMs: 300_000,
  attemptsMax: 3,
  retryMs: 50,
  retryMsMax: 1_000,
  failuresMax: 5,
  openMs: 1_000,
}

/**
 * How each method of the archive is guarded. `putBatch` may be sent again, because the archive knows a batch by its sequence and
 * link [W5]; one that was given up still runs, and the next attempt waits for it instead of sending the batch beside it [P61].
 */
// prettier-ignore
export const ARCHIVE_POLICIES = {
  open:              { how: 'task', limit: 'longMs', joins: 'always', what: 'opening the archive' },
  close:             { how: 'close' },
  claimInstance:     { how: 'task', limit: 'callMs', joins: 'never', what: 'claiming the instance' },
  touchInstance:     { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  endInstance:       { how: 'task', limit: 'callMs', joins: 'always', what: 'ending the instance' },
  putBatch:          { how: 'call', limit: 'callMs', joins: isSameBatch, mayRepeat: true },
  get:               { how: 'lookup' },
  getMany:           { how: 'lookups' },
  readHeads:         { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  readTail:          { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  readTree:          { how: 'call', limit: 'callMs', joins: 'never', mayRepeat: true },
  foldTree:          { how: 'task', limit: 'longMs', joins: 'always', what: 'folding the tree' },
  scanIds:           { how: 'scan', what: 'the scan of all ids' },
  scanRows:          { how: 'scan', what: 'the scan of all rows' },
  retireInstances:   { how: 'task', limit: 'longMs', joins: isSameRow, what: 'retiring instances' },
  collectTombstones: { how: 'task', limit: 'longMs', joins: 'always', what: 'collecting tombstones' },
  pruneLedger:       { how: 'task', limit: 'longMs', joins: 'always', what: 'pruning the ledger' },
} as const satisfies Policies<ArchiveTier>

export interface GuardedArchive extends ArchiveTier {
  readonly breakerState: BreakerState
  /** A batch that was given up may still go through: nothing else may be sent under its sequence. */
  readonly isPutRunning: boolean
  /** The same of a retirement, which takes a sequence as well. */
  readonly isRetirementRunning: boolean
}

/** An archive with timeout, retry and breaker in front of it; see {@link Guard}. */
export function guardArchive(archive: ArchiveTier, options: GuardOptions): GuardedArchive {
  const guard = new Guard(archive.backend, 'L3', options, ARCHIVE_GUARD_LIMITS)
  const running = new RunningCalls()
  return {
    ...guardTier(archive, ARCHIVE_POLICIES, guard, running),
    get breakerState() {
      return guard.breakerState
    },
    get isPutRunning() {
      return running.has('putBatch' satisfies keyof ArchiveTier)
    },
    get isRetirementRunning() {
      return running.has('retireInstances' satisfies keyof ArchiveTier)
    },
  }
}

/** Whether both are the same row of the ledger. */
function isSameRow(a: RetirementRequest | ArchiveBatch, b: RetirementRequest | ArchiveBatch): boolean {
  return (
    a.sequence === b.sequence &&
    a.link === b.link &&
    a.claim.instance === b.claim.instance &&
    a.claim.epoch === b.claim.epoch
  )
}

function isSameBatch(a: ArchiveBatch, b: ArchiveBatch): boolean {
  return (
    isSameRow(a, b) &&
    a.writes.length === b.writes.length &&
    a.writes.every(({ id, stamp }, index) => {
      const other = b.writes[index]
      return id === other?.id && equalStamps(stamp, other.stamp)
    })
  )
}
