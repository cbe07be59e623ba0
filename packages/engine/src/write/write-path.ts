import { checkId, InvariantViolation, STATE_DEFAULT, type ItemWrite, type Stamp } from '@se/core'
import { LogFailed } from '@se/wal'
import { readDeleteOptions, readSubmitOptions, type DeleteCall, type SubmitCall } from '../call-options.ts'
import type { Caller } from '../deadline/caller.ts'
import { sizeOfWrite } from '../flush/batch-policy.ts'
import type { FlushQueue } from '../flush/flush-queue.ts'
import type { FlushPipeline } from '../flush/pipeline.ts'
import type { SettledOutcome } from '../flush/outcomes.ts'
import type { Heard } from '../heard/heard.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import { copyOf } from '../report.ts'
import { timed, type Telemetry } from '../telemetry.ts'
import type { Level } from '../level.ts'
import { admit, type AdmissionLimits } from './admission.ts'
import { draftRecord, encodeRecord, stampRecord, type RecordDraft } from './record.ts'
import { showInMemory } from './show-in-memory.ts'
import type { Stamping } from './stamping.ts'
import type { Watch, Watches } from './watches.ts'

/** An acknowledged write. */
export interface Acknowledgement {
  /** Of the write; conditions and ETags carry it. */
  readonly stamp: Stamp
  /** What the acknowledgement is worth. */
  readonly level: Level
  /**
   * At level `archive`: something newer was there already, or another write of the id overtook this one on its
   * way. What the archive holds is newer than what was submitted.
   */
  readonly supersededBy?: Stamp
}

export interface WritePathPorts {
  readonly log: { append(record: Uint8Array): Promise<number> }
  readonly queue: Pick<FlushQueue, 'budget' | 'pending' | 'commits' | 'newestStamp'>
  readonly memory: Pick<MemoryTier, 'put'>
  readonly stamping: Pick<Stamping, 'next' | 'forget'>
  /** What is heard of an id while a write of it is on its way through the log. */
  readonly watches: Pick<Watches, 'begin' | 'end'>
  /** How values are stored, and how large they may be. */
  readonly admission: AdmissionLimits
  /** A write became visible: loads and writes under way with something older of the id must know [R2]. */
  readonly heard: Pick<Heard, 'hear'>
  /** Something waits for a flush; `isUrgent`: a caller waits for the archive. */
  readonly pipeline: Pick<FlushPipeline, 'wake'>
  readonly telemetry: Telemetry
}

/**
 * submit → admission → stamp → log → pending set and memory → acknowledged.
 *
 * W1: nothing becomes visible before it is as safe as its writer asked for: a `log` write after the sync that
 * covers it, an `archive` write after the commit.
 */
export class WritePath {
  readonly #ports: WritePathPorts
  /** The log has failed: what was accepted from now on could never be made safe. */
  #logFailure: LogFailed | undefined
  #running = 0
  #idle: (() => void)[] = []

  constructor(ports: WritePathPorts) {
    this.#ports = ports
  }

  /** @throws InvalidInput, Backpressure, or what the log throws; nothing was written then, or that is unknown (LogFailed) */
  async submit(
    id: string,
    value: unknown,
    call: SubmitCall = readSubmitOptions(undefined),
    caller?: Caller,
  ): Promise<Acknowledgement> {
    checkId(id)
    // Before anything is awaited: from here on the value is the caller's alone again [W11].
    return this.#write('submit', admit(id, value, call, this.#ports.admission), call.level, caller)
  }

  /** A delete is a write: it has a stamp, goes through the log, and wins or loses by its stamp [W4, P19]. */
  async delete(
    id: string,
    call: DeleteCall = readDeleteOptions(undefined),
    caller?: Caller,
  ): Promise<Acknowledgement> {
    checkId(id)
    const draft = draftRecord({ id, state: STATE_DEFAULT, contentType: '', value: undefined })
    return this.#write('delete', draft, call.level, caller)
  }

  /**
   * Sends a write that was parked again, with its stamp. It is in the log at once, and no read gives it before the
   * archive has decided: by now it may be older than what is there.
   */
  async submitParked(write: ItemWrite): Promise<SettledOutcome> {
    const { log, queue, telemetry, pipeline } = this.#ports
    this.#running++
    let settled: Promise<SettledOutcome>
    try {
      const logSequence = await log.append(encodeRecord({ ...write, value: write.bytes }).record)
      settled = new Promise((resolve, reject) => {
        const waiter = { resolve: (outcome: SettledOutcome) => resolve(outcome), reject }
        queue.commits.add(write, telemetry.clock.monotonicMs(), { waiter, logSequence, isAcknowledged: true })
        pipeline.wake(true)
      })
    } finally {
      this.#leave()
    }
    return settled
  }

  /** Resolves when no write is between its admission and its acknowledgement by memory or log. */
  drained(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve))
  }

  async #write(
    operation: 'submit' | 'delete',
    draft: RecordDraft,
    level: Level,
    caller: Caller | undefined,
  ): Promise<Acknowledgement> {
    const { telemetry } = this.#ports
    const acknowledged = await timed(telemetry, { tier: 'L1', operation }, async () => {
      const { stamp, committed } = await this.#accept(draft, level, caller)
      return committed === undefined ? { stamp: copyOf(stamp), level } : acknowledgementOf(await committed)
    })
    telemetry.observer.written?.({ tier: 'L1', items: 1, bytes: draft.bytes?.length ?? 0 })
    return acknowledged
  }

  /** @returns with `committed` when the archive has yet to answer */
  async #accept(
    draft: RecordDraft,
    level: Level,
    caller: Caller | undefined,
  ): Promise<{ stamp: Stamp; committed?: Promise<Settled> }> {
    const { queue, stamping, watches } = this.#ports
    if (level !== 'archive' && this.#logFailure !== undefined) throw this.#logFailure
    const { id } = draft
    const bytes = sizeOfWrite(draft)
    this.#running++
    try {
      const wait = queue.budget.admit(bytes, caller)
      if (wait !== undefined) await wait
      let isAdded = false
      try {
        // Stamp and append without a pause between: the records of an id lie in the log in stamp order.
        const stamp = stamping.next(id)
        const { record, write } = stampRecord(draft, stamp)
        if (level === 'archive') {
          isAdded = true
          return { stamp, committed: this.#enqueue(write).finally(() => stamping.forget(id, stamp)) }
        }
        const watch = watches.begin(id, stamp)
        try {
          const logSequence = level === 'log' ? await this.#append(record) : undefined
          isAdded = true
          this.#accepted(write, logSequence, watch)
        } finally {
          watches.end(id, watch)
          stamping.forget(id, stamp)
        }
        return { stamp }
      } finally {
        if (!isAdded) queue.budget.giveBack(bytes)
      }
    } finally {
      this.#leave()
    }
  }

  #leave(): void {
    this.#running--
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #append(record: Uint8Array): Promise<number> {
    try {
      return await this.#ports.log.append(record)
    } catch (error) {
      if (error instanceof LogFailed) this.#logFailure = error
      throw error
    }
  }

  /** Joins the next batch without the log; visible after the commit. */
  #enqueue(write: ItemWrite): Promise<Settled> {
    const { queue, telemetry, pipeline } = this.#ports
    return new Promise<Settled>((resolve, reject) => {
      queue.commits.add(write, telemetry.clock.monotonicMs(), {
        waiter: { resolve: (outcome, stamp) => resolve({ outcome, stamp }), reject },
        isAdmitted: true,
      })
      pipeline.wake(true)
    })
  }

  /**
   * @param watch overtaken by a commit at level `archive` or by another process: it goes to the archive, which says so, and no read
   *   gives it on the way; unsure: no read gives it before the archive was asked
   */
  #accepted(write: ItemWrite, logSequence: number | undefined, { isOvertaken, isUnsure }: Watch): void {
    const { queue, memory, telemetry, heard, pipeline } = this.#ports
    const standing = { isOvertaken, isUnsure, isAdmitted: true }
    queue.pending.add(write, logSequence, telemetry.clock.monotonicMs(), standing)
    if (!isOvertaken) heard.hear({ id: write.id, stamp: write.stamp, isLive: undefined }, 'own-acknowledged')
    // A later write at level `memory` may have become visible first, while this one was synced.
    if (!isUnsure && queue.pending.read(write.id) === write) showInMemory(memory, write)
    pipeline.wake(false)
  }
}

/** What became of a write, and the stamp it was sent with at last. */
interface Settled {
  readonly outcome: SettledOutcome
  readonly stamp: Stamp
}

function acknowledgementOf({ stamp, outcome }: Settled): Acknowledgement {
  switch (outcome.kind) {
    case 'won':
    case 'held':
      return { stamp: copyOf(stamp), level: 'archive' }
    case 'superseded':
      return { stamp: copyOf(stamp), level: 'archive', supersededBy: copyOf(outcome.by) }
    case 'rejected':
      throw outcome.error
    case 'parked':
      throw new InvariantViolation('a write that was never acknowledged is not parked')
  }
}
