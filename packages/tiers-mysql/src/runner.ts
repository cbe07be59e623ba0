import {
  ArchiveRefusedData,
  setLimit,
  StorageError,
  TierMisconfigured,
  TierUnavailable,
  type Clock,
  type Random,
} from '@se/core'
import type { ArchiveDatabase, Failure, ReadSession, RowReader, WriteSession } from './archive-database.ts'
import { MayBeBehind } from './may-be-behind.ts'
import { PlanOutdated } from './plan-outdated.ts'
import { withRetries, type RetryReport } from './retry.ts'

/** Everything the archive needs beside its database. */
export interface ArchivePorts {
  readonly clock: Clock
  readonly random: Random
  /** Most attempts at one transaction that meets conflicts, the first included. */
  readonly attemptsMax: number
  readonly onRetry: (report: RetryReport) => void
}

/** Pause before a server that may be behind is asked again, ms. */
const BEHIND_PAUSE_MS = 50

/** Runs work on the database, under one set of rules for retries, names of errors and limits of time. */
export class Runner {
  readonly #database: ArchiveDatabase
  readonly #ports: ArchivePorts
  /** The database has answered once: its host exists, even if a name server denies it later. */
  #wasReached = false

  constructor(database: ArchiveDatabase, ports: ArchivePorts) {
    this.#database = database
    this.#ports = ports
  }

  /** A write transaction, redone while others are in the way [W7]. */
  write<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    return this.retried(() => this.#database.write(work))
  }

  /** Anything that may be done again as a whole. */
  retried<T>(work: () => Promise<T>): Promise<T> {
    const { attemptsMax, clock, random, onRetry } = this.#ports
    return this.named(() =>
      withRetries(work, {
        attemptsMax,
        clock,
        random,
        isWorthAnother: (error) => this.judge(error).kind === 'conflict',
        onRetry: (error, attempts) => onRetry({ backend: this.#database.name, attempts, error }),
      }),
    )
  }

  /** A single statement, which sees one snapshot. */
  read<T>(work: (reader: RowReader) => Promise<T>): Promise<T> {
    return this.named(() => this.#database.read(work))
  }

  snapshot<T>(work: (session: ReadSession) => Promise<T>, isScan = false): Promise<T> {
    return this.named(() => this.#database.snapshot(work, isScan))
  }

  /**
   * A write transaction whose finding that the archive has gone back is believed only after a while: a node of a
   * cluster, or a replica that has just been promoted, may only be behind [P78, P91].
   *
   * @param work throws {@link MayBeBehind} while `isSure` is false
   */
  async writeOnceCaughtUp<T>(work: (session: WriteSession, isSure: boolean) => Promise<T>): Promise<T> {
    const { clock } = this.#ports
    // Of the first answer that seemed to be behind: what was waited for before it, a lock or a connection, tells nothing.
    let doubtedSinceMs: number | undefined
    for (;;) {
      const doubtedMs = doubtedSinceMs === undefined ? 0 : clock.monotonicMs() - doubtedSinceMs
      const isSure = doubtedMs >= this.#database.behindMs
      try {
        return await this.write((session) => work(session, isSure))
      } catch (error) {
        if (!(error instanceof MayBeBehind) || isSure) throw error
        doubtedSinceMs ??= clock.monotonicMs()
      }
      await new Promise<void>((resolve) => clock.setTimer(BEHIND_PAUSE_MS, resolve))
    }
  }

  /** @throws TierUnavailable when the work has not ended in time; it is then left to itself */
  async within<T>(what: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = setLimit(this.#ports.clock, timeoutMs, () =>
        reject(
          new TierUnavailable(`${this.#database.name}: ${what} did not end within ${timeoutMs} ms`, {
            details: { timeoutMs },
          }),
        ),
      )
      work().then(resolve, reject).finally(cancel)
    })
  }

  /** Gives the driver's errors the names the port promises. */
  async named<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.#wasReached = true
      return result
    } catch (error) {
      throw this.#nameOf(error)
    }
  }

  judge(error: unknown): Failure {
    if (error instanceof PlanOutdated) return { kind: 'conflict' }
    if (error instanceof StorageError || error instanceof MayBeBehind) return { kind: 'own' }
    const failure = this.#database.errors.classify(error)
    // A name server that forgets a host for a while must not look like a mistake of those who run this.
    if (failure.kind === 'misconfigured' && failure.because === 'unknown-host' && this.#wasReached) {
      return { kind: 'unavailable' }
    }
    return failure
  }

  #nameOf(error: unknown): unknown {
    const failure = this.judge(error)
    if (failure.kind === 'own') return error
    const message = `${this.#database.name}: ${this.#database.errors.describe(error)}`
    const details = { code: codeOf(error) }
    switch (failure.kind) {
      case 'refused':
        return new ArchiveRefusedData(message, { cause: error, details })
      case 'misconfigured': {
        const { because, advice } = failure
        return new TierMisconfigured(`${message}; ${advice}`, {
          cause: error,
          details: { ...details, because },
        })
      }
      case 'conflict':
      case 'unavailable':
        return new TierUnavailable(message, { cause: error, details })
    }
  }
}

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
