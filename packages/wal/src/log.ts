import { INSPECT, inspectAs, type Inspector } from '@se/core'
import type { Admission } from './admission.ts'
import type { Records } from './call.ts'
import type { GroupCommit } from './group-commit.ts'
import type { LogLife } from './log-life.ts'
import type { LogReader } from './log-reader.ts'
import type { AppendOptions, LogStats } from './log-types.ts'
import type { LogRecovery } from './observer.ts'
import type { Releases } from './releases.ts'
import type { LogRecord } from './replay.ts'

/** What the log is made of; put together by `assembleLog`. */
export interface LogParts {
  readonly directory: string
  readonly recovery: LogRecovery
  readonly life: Pick<LogLife, 'isOpen' | 'whyNot'>
  readonly admission: Pick<Admission, 'submit'>
  readonly commit: Pick<GroupCommit, 'sync'>
  readonly reader: Pick<LogReader, 'replay'>
  readonly releases: Pick<Releases, 'release'>
  /** The figures of now. */
  readonly stats: () => LogStats
  /** Ends all of it; called once. */
  readonly close: () => Promise<void>
}

/** An append-only log of byte records. One writer; sequences start at 1 and have no gaps. */
export class Log implements AsyncDisposable {
  /** What opening found. */
  readonly recovery: LogRecovery
  readonly #parts: LogParts
  #closing: Promise<void> | undefined

  /** Use `openLog`. */
  constructor(parts: LogParts) {
    this.#parts = parts
    this.recovery = parts.recovery
  }

  /**
   * Appends the record, or all of the records as one unit: after a crash all of them are there or none.
   *
   * The bytes must not be changed until the promise settles; they are not copied before.
   *
   * @returns sequence of the (last) record, once it survives a power cut
   * @throws RecordTooLarge, LogFull, LogFailed, LogClosed, InvalidInput
   */
  append(records: Records, options?: AppendOptions): Promise<number> {
    return this.#parts.admission.submit(records, true, options)
  }

  /**
   * As `append`, but resolves when the operating system has the bytes: they survive a killed process, and a power
   * cut only after the next sync.
   */
  appendBuffered(records: Records, options?: AppendOptions): Promise<number> {
    return this.#parts.admission.submit(records, false, options)
  }

  /** @returns last sequence, once everything appended so far survives a power cut @throws LogFailed, LogClosed */
  sync(): Promise<number> {
    const { life, commit } = this.#parts
    return life.isOpen ? commit.sync() : Promise.reject(life.whyNot())
  }

  /**
   * The records from a sequence to the last one written when the iteration starts.
   *
   * Works on a failed log too. What it still has to read is not freed while it runs.
   *
   * @param from default: the oldest that is not released; released ones may be asked for while they are held
   * @throws SequenceReleased if `from` is gone, InvalidInput if it is beyond the end, LogDamaged, LogUnreadable, LogClosed
   */
  replay(from?: number): AsyncGenerator<LogRecord, void, undefined> {
    return this.#parts.reader.replay(from)
  }

  /**
   * Says that the records up to this one are not needed any more. Their segments are used again once all
   * their records are released and `releaseDelayMs` has passed. A lower sequence than before releases nothing more.
   *
   * The release is durable with the next group, at the latest when a segment is freed or the log closed: after
   * a crash some released records may be replayed again.
   *
   * @returns once the segments that may be freed by now are
   * @throws LogFailed, LogClosed, InvalidInput for a sequence that was never written
   */
  release(through: number): Promise<void> {
    return this.#parts.releases.release(through)
  }

  stats(): LogStats {
    return this.#parts.stats()
  }

  /**
   * Writes what is queued, notes that the log was closed in order, and lets go of the directory. Calls that wait
   * for room are refused. A second call gives the same promise.
   *
   * @throws LogFailed if the last writes failed; the directory is let go of all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#parts.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Directory, figures of now, and what opening found. */
  toJSON(): { directory: string; recovery: LogRecovery } & LogStats {
    return { directory: this.#parts.directory, ...this.stats(), recovery: this.recovery }
  }

  [INSPECT](depth: number | null, options: object, inspector: Inspector): string {
    return inspectAs('Log', this.toJSON(), depth, options, inspector)
  }
}
