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

export interface GuardedArchive extends ArchiveTier {
  readonly breakerState: BreakerState
  /** A batch that was given up may still go through: nothing else may be sent under its sequence. */
  readonly isPutRunning: boolean
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
 * Calls of many statements (opening, folding, collecting, pruning) pass by retry and breaker, as who makes them repeats them,
 * and have the longer bound; a scan may take as long as it gets on. One that was given up still runs: the next of its kind
 * waits for it, instead of running beside it.
 */
class ArchiveBehindGuard implements GuardedArchive {
  readonly backend: string
  readonly #archive: ArchiveTier
  readonly #guard: Guard
  #runningPut: RunningPut | undefined
  readonly #running = new Map<string, Promise<unknown>>()

  constructor(archive: ArchiveTier, options: GuardOptions) {
    this.backend = archive.backend
    this.#archive = archive
    this.#guard = new Guard(archive.backend, 'L3', options, ARCHIVE_GUARD_LIMITS)
  }

  get breakerState(): BreakerState {
    return this.#guard.breakerState
  }

  get isPutRunning(): boolean {
    return this.#runningPut !== undefined
  }

  open(options: ArchiveOpenOptions): Promise<ArchiveDescription> {
    this.#guard.open()
    return this.#long('opening the archive', () => this.#archive.open(options))
  }

  /** Callers that wait for the archive are sent away first, and what was given up before counts for nothing any more. */
  async close(): Promise<void> {
    this.#guard.close()
    this.#runningPut = undefined
    this.#running.clear()
    await this.#archive.close()
  }

  claimInstance(request: ClaimRequest): Promise<InstanceClaim> {
    const { callMs } = this.#guard.limits
    return this.#guard.long('claiming the instance', () => this.#archive.claimInstance(request), callMs)
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
    return this.#long(
      'ending the instance',
      () => this.#archive.endInstance(claim),
      this.#guard.limits.callMs,
    )
  }

  touchInstance(claim: ClaimKey): Promise<void> {
    return this.#bounded(() => this.#archive.touchInstance(claim))
  }

  retireInstances(request: RetirementRequest): Promise<readonly RetiredInstance[]> {
    return this.#long('retiring instances', () => this.#archive.retireInstances(request))
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
    return this.#long('folding the tree', () => this.#archive.foldTree())
  }

  scanIds(visit: (ids: readonly string[]) => void): Promise<Cut> {
    return this.#guard.scan('the scan of all ids', (progress) =>
      this.#archive.scanIds((ids) => {
        progress.pause()
        visit(ids)
        progress.resume()
      }),
    )
  }

  scanRows(visit: (rows: readonly ArchivedRow[]) => void | Promise<void>): Promise<Cut> {
    return this.#guard.scan('the scan of all rows', (progress) =>
      this.#archive.scanRows(async (rows) => {
        progress.pause()
        await visit(rows)
        progress.resume()
      }),
    )
  }

  collectTombstones(beforeMs: number): Promise<number> {
    return this.#long('collecting tombstones', () => this.#archive.collectTombstones(beforeMs))
  }

  pruneLedger(beforeMs: number): Promise<number> {
    return this.#long('pruning the ledger', () => this.#archive.pruneLedger(beforeMs))
  }

  #long<T>(what: string, run: () => Promise<T>, limitMs?: number): Promise<T> {
    const once = () => {
      const underWay = this.#running.get(what)
      if (underWay !== undefined) return underWay as Promise<T>
      const call = run()
      this.#running.set(what, call)
      const ended = () => {
        if (this.#running.get(what) === call) this.#running.delete(what)
      }
      call.then(ended, ended)
      return call
    }
    return this.#guard.long(what, once, limitMs)
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
