import type { Clock } from '@se/core'
import type { AppendQueue } from './append-queue.ts'
import type { Call } from './call.ts'
import type { GroupWriter } from './group-writer.ts'
import type { DirectoryLock } from './held-lock.ts'
import type { LogLife } from './log-life.ts'
import type { LogObserver } from './observer.ts'
import type { Progress } from './progress.ts'

export interface GroupCommitPorts {
  readonly queue: AppendQueue
  readonly writer: GroupWriter
  readonly progress: Pick<Progress, 'lastSequence'>
  readonly life: LogLife
  readonly lock: Pick<DirectoryLock, 'isSure' | 'makeSure'>
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: LogObserver | undefined
  readonly events: GroupCommitEvents
}

export interface GroupCommitEvents {
  /** A segment was left for the next one. */
  rotated(): void
  /** These calls have no segment to be written to, because the disk is full. */
  turnedAway(calls: readonly Call[]): void
}

/**
 * Group commit: at most one write and sync is under way, and what is appended meanwhile is the next group.
 *
 * A group is put together in `process.nextTick`, which comes after all promise reactions. So the writers that the last sync
 * woke are all in it, and no call waits for a timer.
 */
export class GroupCommit {
  readonly #ports: GroupCommitPorts
  #isWriting = false
  /** The group under way, or the last one. */
  #writing: Promise<void> = Promise.resolve()

  constructor(ports: GroupCommitPorts) {
    this.#ports = ports
  }

  /** Resolves when the group that is under way now has ended, however it ended. */
  get underWay(): Promise<void> {
    return this.#writing
  }

  enqueue(call: Call): void {
    this.#ports.queue.add(call)
    if (this.#isWriting) return
    this.#isWriting = true
    process.nextTick(this.#writeNext)
  }

  /** @returns last sequence, once everything that was appended before is durable */
  sync(): Promise<number> {
    return this.#request(false)
  }

  /**
   * Sees to it that a durable group in the active segment tells of the release: the segment before may be the next that is freed.
   *
   * @returns whether there is one now; there is none on a full disk without room for another control group
   * @throws LogFailed: whether the oldest segment is still there is then unknown, and to free a later one could leave a gap
   */
  async makeReleaseDurable(through: number): Promise<boolean> {
    const { life, writer } = this.#ports
    if (life.failure !== undefined) throw life.failure
    if (writer.isReleaseDurable(through)) return true
    await this.#request(true)
    return writer.isReleaseDurable(through)
  }

  /** Queues a call without records. */
  #request(isControl: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.enqueue({
        records: [],
        recordCount: 0,
        payloadBytes: 0,
        isDurable: true,
        isControl,
        isUrgent: true,
        resolve,
        reject,
      })
    })
  }

  readonly #writeNext = (): void => {
    this.#writing = this.#writeGroup().then(this.#groupDone)
  }

  readonly #groupDone = (): void => {
    // The writers just woken append in their own reactions, which all run before the next tick.
    if (this.#ports.queue.length > 0) process.nextTick(this.#writeNext)
    else this.#isWriting = false
  }

  /** Writes the calls at the head of the queue as one group, as many as fit. Never rejects. */
  async #writeGroup(): Promise<void> {
    let calls: Call[] = []
    try {
      calls = await this.#takeCalls()
      if (calls.length > 0) await this.#commit(calls)
    } catch (error) {
      const failure = this.#ports.life.fail('write', error)
      for (const call of calls) call.reject(failure)
    }
  }

  /** Takes the next group's calls off the queue, and sees to it that the active segment has room for them. */
  async #takeCalls(): Promise<Call[]> {
    const { queue, writer, events } = this.#ports
    let count = queue.countFitting(writer)
    if (count === 0 && queue.length > 0) {
      if (!(await writer.rotate())) {
        this.#turnAway()
        return []
      }
      events.rotated()
      count = queue.countFitting(writer)
    }
    return queue.take(count)
  }

  async #commit(calls: readonly Call[]): Promise<void> {
    const { queue, writer, progress, observer, clock } = this.#ports
    const startMs = observer?.synced === undefined ? 0 : clock.monotonicMs()
    const payloads: Uint8Array[] = []
    let payloadBytes = 0
    let mustSync = false
    let isControl = false
    for (const call of calls) {
      payloadBytes += call.payloadBytes
      mustSync ||= call.isDurable
      isControl ||= call.isControl
      if (call.records instanceof Uint8Array) payloads.push(call.records)
      else for (const record of call.records) payloads.push(record)
    }
    const first = progress.lastSequence + 1
    let bytes = 0
    if (payloads.length > 0 || isControl) bytes = await writer.write(payloads, payloadBytes, 0, mustSync)
    await this.#mayAcknowledge()
    queue.noteWritten(payloads.length, payloadBytes)
    acknowledge(calls, false, first)
    if (!mustSync) return
    await writer.sync()
    await this.#mayAcknowledge()
    observer?.synced?.({ records: payloads.length, bytes, durationMs: clock.monotonicMs() - startMs })
    acknowledge(calls, true, first)
  }

  /**
   * Another part may have failed meanwhile: then the log is in doubt. Or this process stood still for so long that another process may
   * have taken the log over; that one has what was written before.
   */
  async #mayAcknowledge(): Promise<void> {
    const { lock, life } = this.#ports
    if (!lock.isSure) await lock.makeSure()
    if (life.failure !== undefined) throw life.failure
  }

  /**
   * The disk is full and there is no next segment. Appends wait or are refused. A control group mostly still fits; one that does not is
   * left out, and its caller looks whether the release has become durable.
   */
  #turnAway(): void {
    const { queue, writer, progress, events } = this.#ports
    const { withRecords, controls } = queue.turnAway(writer)
    for (const call of controls) call.resolve(progress.lastSequence)
    events.turnedAway(withRecords)
  }
}

/** Answers the calls of one kind, in the order in which their records stand in the log. */
function acknowledge(calls: readonly Call[], isDurable: boolean, firstSequence: number): void {
  let sequence = firstSequence - 1
  for (const call of calls) {
    sequence += call.recordCount
    if (call.isDurable === isDurable) call.resolve(sequence)
  }
}
