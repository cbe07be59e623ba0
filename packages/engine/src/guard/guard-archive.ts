import {
  invariant,
  type ArchiveBatch,
  type ArchiveDescription,
  type ArchivedRow,
  type ArchiveOpenOptions,
  type ArchiveTier,
  type BatchReceipt,
  type ClaimKey,
  type ClaimRequest,
  type Cut,
  type Heads,
  type InstanceClaim,
  type LedgerTail,
  type Lookup,
  type RetiredInstance,
  type RetirementRequest,
  type StoredTree,
} from '@se/core'
import type { BreakerState } from '../observer.ts'
import { Guard, type GuardLimits, type GuardOptions } from './guard.ts'

/** Limits in front of L3. A lookup may wait for a busy database, as there is nobody else to ask. */
export const ARCHIVE_GUARD_LIMITS: GuardLimits = {
  lookupMs: 5_000,
  callMs: 30_000,
  attemptsMax: 3,
  retryMs: 50,
  retryMsMax: 1_000,
  failuresMax: 5,
  openMs: 1_000,
}

export interface GuardedArchive extends ArchiveTier {
  readonly breakerState: BreakerState
}

/** An archive with timeout, retry and breaker in front of it; see {@link Guard}. */
export function guardArchive(archive: ArchiveTier, options: GuardOptions): GuardedArchive {
  return new ArchiveBehindGuard(archive, options)
}

interface RunningPut {
  readonly batch: ArchiveBatch
  readonly receipt: Promise<BatchReceipt>
}

/**
 * Calls that last as long as they last (opening, claiming, scans, folding, collecting, pruning) pass by the guard:
 * no bound would be right, and who makes them repeats them.
 */
class ArchiveBehindGuard implements GuardedArchive {
  readonly backend: string
  readonly #archive: ArchiveTier
  readonly #guard: Guard
  #runningPut: RunningPut | undefined

  constructor(archive: ArchiveTier, options: GuardOptions) {
    this.backend = archive.backend
    this.#archive = archive
    this.#guard = new Guard(archive.backend, 'L3', options, ARCHIVE_GUARD_LIMITS)
  }

  get breakerState(): BreakerState {
    return this.#guard.breakerState
  }

  open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    return this.#archive.open(options)
  }

  close(): Promise<void> {
    return this.#archive.close()
  }

  claimInstance(request: ClaimRequest): Promise<InstanceClaim> {
    return this.#archive.claimInstance(request)
  }

  /**
   * Sends a batch, and the very same again after a failure: what was committed meanwhile the archive knows by the
   * sequence [W5]. A call that was given up still runs, and the next attempt waits for it instead of sending the
   * batch beside it.
   */
  putBatch(batch: ArchiveBatch): Promise<BatchReceipt> {
    return this.#bounded(() => this.#putOnce(batch))
  }

  endInstance(claim: ClaimKey): Promise<void> {
    return this.#archive.endInstance(claim)
  }

  touchInstance(claim: ClaimKey): Promise<void> {
    return this.#archive.touchInstance(claim)
  }

  retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    return this.#archive.retireInstances(request)
  }

  get(id: string): Promise<Lookup> {
    return this.#guard.lookup(() => this.#archive.get(id))
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    if (ids.length === 0) return []
    return this.#guard.lookups(ids.length, 'batch_read', () => this.#archive.getMany(ids))
  }

  readHeads(): Promise<Heads> {
    return this.#bounded(() => this.#archive.readHeads())
  }

  readTail(from: Cut): Promise<LedgerTail> {
    return this.#bounded(() => this.#archive.readTail(from))
  }

  readTree(): Promise<StoredTree> {
    return this.#bounded(() => this.#archive.readTree())
  }

  foldTree(): Promise<number> {
    return this.#archive.foldTree()
  }

  scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    return this.#archive.scanIds(visit)
  }

  scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    return this.#archive.scanRows(visit)
  }

  collectTombstones(beforeMs: number): Promise<number> {
    return this.#archive.collectTombstones(beforeMs)
  }

  pruneLedger(beforeMs: number): Promise<number> {
    return this.#archive.pruneLedger(beforeMs)
  }

  #bounded<T>(run: () => Promise<T>): Promise<T> {
    const { callMs, attemptsMax } = this.#guard.limits
    return this.#guard.call(run, { timeoutMs: callMs, attemptsMax })
  }

  #putOnce(batch: ArchiveBatch): Promise<BatchReceipt> {
    const running = this.#runningPut
    if (running !== undefined) {
      invariant(
        isSameBatch(running.batch, batch),
        'while the fate of a batch is unknown, no other one is sent',
        {
          running: running.batch.sequence,
          sequence: batch.sequence,
        },
      )
      return running.receipt
    }
    const receipt = this.#archive.putBatch(batch)
    const put: RunningPut = { batch, receipt }
    this.#runningPut = put
    const ended = () => {
      if (this.#runningPut === put) this.#runningPut = undefined
    }
    receipt.then(ended, ended)
    return receipt
  }
}

function isSameBatch(a: ArchiveBatch, b: ArchiveBatch): boolean {
  return (
    a.sequence === b.sequence &&
    a.link === b.link &&
    a.claim.instance === b.claim.instance &&
    a.claim.epoch === b.claim.epoch &&
    a.writes.length === b.writes.length &&
    a.writes.every((write, index) => write === b.writes[index])
  )
}
