import {
  INSPECT,
  inspectAs,
  InvalidInput,
  type CancelTimer,
  type Clock,
  type FileSystem,
  type Inspector,
} from '@se/core'
import type { Backlog } from './backlog.ts'
import { LogClosed, LogFailed, LogFull, LogLockLost, RecordTooLarge, SequenceReleased } from './errors.ts'
import {
  encodeSegmentHeader,
  GROUP_CLOSES_LOG,
  groupBytesOf,
  LENGTH_BYTES,
  MARK_BYTES,
  SEGMENT_HEADER_BYTES,
  usableBytesOf,
} from './format.ts'
import { GroupEncoder } from './group.ts'
import type { ParsedLimits } from './limits.ts'
import type { DirectoryLock } from './lock.ts'
import type { AppendOptions, LogState, LogStats } from './log-types.ts'
import type { FullReason, LogObserver, LogRecovery } from './observer.ts'
import { readAppendOptions } from './options.ts'
import { replaySegment, type LogRecord } from './replay.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentHandle } from './segment-handle.ts'
import { SegmentPool, type PreparedSegment, type SealedSegment } from './segment-pool.ts'
import { WaitingLine } from './waiting-line.ts'

/** A full disk is tried again this long after the last attempt, ms, when somebody wants to append, or waits to. */
const DISK_RETRY_MS = 1000

/** What the log is made of; put together by `openLog`. */
export interface LogParts {
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly observer: LogObserver | undefined
  readonly limits: ParsedLimits
  readonly onFull: 'wait' | 'refuse'
  readonly waitMs: number
  readonly releaseDelayMs: number
  readonly files: SegmentFiles
  readonly lock: DirectoryLock
  readonly recovery: LogRecovery
  readonly backlog: Backlog
  readonly releasedThrough: number
  readonly lastSequence: number
  readonly isClosed: boolean
  readonly active: ActiveSegment
  readonly sealed: SealedSegment[]
  readonly spares: string[]
  readonly next: PreparedSegment | undefined
}

/** The segment that groups are written to. */
export interface ActiveSegment {
  readonly id: number
  /** Its size, bytes; a segment from an earlier run may have another than `limits.segmentBytes`. */
  readonly segmentBytes: number
  readonly handle: SegmentHandle
  readonly firstSequence: number
  /** Where the next group goes, bytes. */
  offset: number
  /** Bytes known to be synced. */
  durableBytes: number
  /** CRC of the last group, in this segment or the one before. */
  previousCrc: number
}

export type Records = Uint8Array | readonly Uint8Array[]

/** One call in the queue. One without records asks for a sync, or for a mark. */
interface Call {
  readonly records: Records
  readonly count: number
  readonly payloadBytes: number
  readonly isDurable: boolean
  /** Writes a group though it has no records: to make a release durable, or to close the log. */
  readonly isMark: boolean
  readonly isUrgent: boolean
  readonly resolve: (sequence: number) => void
  readonly reject: (error: unknown) => void
}

/**
 * An append-only log of byte records. One writer; sequences start at 1 and have no gaps.
 *
 * Group commit: at most one write and sync is under way; whatever is appended meanwhile is the next group. The
 * group is put together in `process.nextTick`, which comes after all promise reactions: so the writers
 * that the last sync woke are all in it, and nobody waits for a timer.
 */
export class Log implements AsyncDisposable {
  /** What opening found. */
  readonly recovery: LogRecovery
  readonly #parts: LogParts
  readonly #pool: SegmentPool
  readonly #encoder = new GroupEncoder()
  readonly #backlog: Backlog
  readonly #waiting: WaitingLine<Call>
  #state: LogState = 'open'
  #failure: LogFailed | undefined
  #active: ActiveSegment

  #lastSequence: number
  #durableSequence: number
  #releasedThrough: number
  /** Last release that a written group tells of, and that a synced group tells of. */
  #writtenRelease: number
  #durableRelease: number
  /** Whether the last group says that the log was closed. */
  #endsClosed: boolean

  #queue: Call[] = []
  #queuedRecords = 0
  #queuedBytes = 0
  #isWriting = false
  /** The group under way, or the last one. */
  #writing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  #cancelDiskRetry: CancelTimer | undefined

  /** Use `openLog`. */
  constructor(parts: LogParts) {
    this.#parts = parts
    this.recovery = parts.recovery
    this.#backlog = parts.backlog
    this.#active = parts.active
    this.#lastSequence = parts.lastSequence
    this.#durableSequence = parts.lastSequence
    this.#releasedThrough = parts.releasedThrough
    this.#writtenRelease = parts.releasedThrough
    this.#durableRelease = parts.releasedThrough
    this.#endsClosed = parts.isClosed
    this.#waiting = new WaitingLine(parts.clock, parts.waitMs, (expired) => {
      for (const { entry, reason } of expired) entry.reject(this.#full(reason))
      // Those behind may need less room.
      this.#admitWaiting()
    })
    this.#pool = new SegmentPool({
      files: parts.files,
      segmentBytes: parts.limits.segmentBytes,
      clock: parts.clock,
      releaseDelayMs: parts.releaseDelayMs,
      spareSegmentsMax: parts.limits.spareSegmentsMax,
      sealed: parts.sealed,
      spares: parts.spares,
      next: parts.next,
      nextId: (parts.next ?? parts.active).id + 1,
      makeReleaseDurable: (through) => this.#makeReleaseDurable(through),
      failed: (operation, error) => this.#fail(operation, error),
      roomMade: () => this.#admitWaiting(),
      diskFilled: () => parts.observer?.full?.({ reason: 'disk', refused: false }),
    })
    parts.lock.onLost((error) => this.#fail('lock', error))
    this.#pool.release(parts.releasedThrough)
    this.#pool.prepare()
    void this.#pool.free()
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
    return this.#submit(records, true, options)
  }

  /**
   * As `append`, but resolves when the operating system has the bytes: they survive a killed process, and a power
   * cut only after the next sync.
   */
  appendBuffered(records: Records, options?: AppendOptions): Promise<number> {
    return this.#submit(records, false, options)
  }

  /** @returns last sequence, once everything appended so far survives a power cut */
  sync(): Promise<number> {
    if (this.#state !== 'open') return Promise.reject(this.#whyNot())
    return this.#request(false)
  }

  /**
   * The records from a sequence to the last one written when the iteration starts.
   *
   * Works on a failed log too. What it still has to read is not freed while it runs.
   *
   * @param from default: the oldest that is not released; released ones may be asked for while they are held
   * @throws SequenceReleased if `from` is gone, InvalidInput if it is beyond the end, LogDamaged, LogUnreadable, LogClosed
   */
  async *replay(from: number = this.#releasedThrough + 1): AsyncGenerator<LogRecord, void, undefined> {
    if (this.#isClosed()) throw this.#whyNot()
    const through = this.#lastSequence
    checkSequence('from', from, 1, through + 1)
    const oldest = this.#oldestSequence()
    if (from < oldest) {
      throw new SequenceReleased(`record ${from} is released and gone; the oldest is ${oldest}`, {
        details: { from, oldestSequence: oldest },
      })
    }
    if (from > through) return
    const reader = this.#pool.startReading(this.#segmentWith(from).id)
    try {
      for (let sequence = from; sequence <= through;) {
        const segment = this.#segmentWith(sequence)
        reader.segmentId = segment.id
        const last = Math.min(through, segment.lastSequence)
        const { fileSystem, directory } = this.#parts
        for await (const group of replaySegment(fileSystem, directory, segment, sequence, last)) {
          yield* group
          // From then on another process may use the files again.
          if (this.#isClosed() && group.at(-1)!.sequence < through) throw this.#whyNot()
        }
        sequence = last + 1
      }
    } catch (error) {
      // What it met then says nothing about this log.
      throw this.#isClosed() ? this.#whyNot() : error
    } finally {
      this.#pool.stopReading(reader)
    }
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
  async release(through: number): Promise<void> {
    if (this.#state !== 'open') throw this.#whyNot()
    checkSequence('through', through, 0, this.#lastSequence)
    const records = Math.max(0, through - this.#releasedThrough)
    const segments = this.#pool.sealed.length
    this.#releasedThrough += records
    this.#backlog.release(this.#releasedThrough)
    this.#pool.release(this.#releasedThrough)
    this.#admitWaiting()
    await this.#pool.free()
    if (this.#pool.isDiskFull) this.#pool.prepare()
    if (this.#failure !== undefined) throw this.#failure
    const segmentsFreed = Math.max(0, segments - this.#pool.sealed.length)
    this.#parts.observer?.released?.({ through: this.#releasedThrough, records, segmentsFreed })
  }

  stats(): LogStats {
    const files = this.#pool.sealed.length + 1 + this.#pool.spareCount
    const oldestMs = this.#backlog.oldestMs
    return {
      state: this.#state,
      firstSequence: this.#releasedThrough + 1,
      lastSequence: this.#lastSequence,
      durableSequence: this.#durableSequence,
      oldestSequence: this.#oldestSequence(),
      entries: this.#lastSequence - this.#releasedThrough,
      bytes: this.#backlog.bytes + this.#pool.heldBytes,
      ageMs: oldestMs === undefined ? 0 : Math.max(0, this.#parts.clock.nowMs() - oldestMs),
      segments: this.#pool.sealed.length + 1,
      heldSegments: this.#pool.heldCount,
      spareSegments: this.#pool.spareCount,
      fileBytes: files * this.#parts.limits.segmentBytes,
      queuedRecords: this.#queuedRecords,
      waitingCalls: this.#waiting.length,
      isDiskFull: this.#pool.isDiskFull,
    }
  }

  /**
   * Writes what is queued, notes that the log was closed in order, and lets go of the directory. Calls that wait
   * for room are refused. A second call gives the same promise.
   *
   * @throws LogFailed if the last writes failed; the directory is let go of all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
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

  // --- taking calls

  #submit(records: Records, isDurable: boolean, options: AppendOptions | undefined): Promise<number> {
    if (this.#state !== 'open') return Promise.reject(this.#whyNot())
    let isUrgent = false
    try {
      isUrgent = readAppendOptions(options).urgent
    } catch (error) {
      return Promise.reject(error as InvalidInput)
    }
    let count = 1
    let payloadBytes = 0
    if (records instanceof Uint8Array) {
      payloadBytes = records.length
    } else {
      if (!Array.isArray(records) || records.length === 0) return Promise.reject(notRecords())
      count = records.length
      for (const record of records as readonly unknown[]) {
        if (!(record instanceof Uint8Array)) return Promise.reject(notRecords())
        payloadBytes += record.length
      }
    }
    const { limits } = this.#parts
    if (groupBytesOf(count, payloadBytes) > usableBytesOf(limits.segmentBytes) || count > limits.recordsMax) {
      return Promise.reject(this.#tooLarge(count, payloadBytes))
    }
    return new Promise((resolve, reject) => {
      // The caller's array may be used again at once; only the bytes must stay as they are.
      const kept = records instanceof Uint8Array ? records : records.slice()
      const call = { records: kept, count, payloadBytes, isDurable, isMark: false, isUrgent, resolve, reject }
      const reason = isUrgent ? undefined : (this.#waiting.reason ?? this.#fullReason(call))
      if (reason === undefined) this.#enqueue(call)
      else this.#refuseOrWait([call], reason)
    })
  }

  /** Queues a call without records. */
  #request(isMark: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const count = 0
      this.#enqueue({
        records: [],
        count,
        payloadBytes: 0,
        isDurable: true,
        isMark,
        isUrgent: true,
        resolve,
        reject,
      })
    })
  }

  #enqueue(call: Call): void {
    this.#queue.push(call)
    this.#queuedRecords += call.count
    this.#queuedBytes += call.payloadBytes + call.count * LENGTH_BYTES
    if (this.#isWriting) return
    this.#isWriting = true
    process.nextTick(this.#writeNext)
  }

  #fullReason(call: Call): FullReason | undefined {
    const { limits } = this.#parts
    if (this.#pool.isDiskFull) return 'disk'
    if (this.#lastSequence - this.#releasedThrough + this.#queuedRecords + call.count > limits.recordsMax) {
      return 'records'
    }
    const held = this.#backlog.bytes + this.#pool.heldBytes + this.#queuedBytes
    if (held + groupBytesOf(call.count, call.payloadBytes) > limits.bytesMax) return 'bytes'
    if (limits.ageMsMax === Infinity) return undefined
    const oldestMs = this.#backlog.oldestMs
    return oldestMs !== undefined && this.#parts.clock.nowMs() - oldestMs > limits.ageMsMax
      ? 'age'
      : undefined
  }

  #refuseOrWait(calls: readonly Call[], reason: FullReason, isFirst = false): void {
    const refused = this.#parts.onFull === 'refuse'
    for (const call of calls) {
      this.#parts.observer?.full?.({ reason, refused })
      if (refused) call.reject(this.#full(reason))
    }
    if (!refused) this.#waiting.add(calls, reason, isFirst)
    if (reason !== 'disk') return
    if (this.#pool.sinceAttemptMs >= DISK_RETRY_MS) this.#pool.prepare()
    if (!refused) this.#retryDisk()
  }

  /** Tries a full disk again as long as somebody waits for it, also if nobody else calls. */
  #retryDisk(): void {
    this.#cancelDiskRetry ??= this.#parts.clock.setBackgroundTimer(DISK_RETRY_MS, () => {
      this.#cancelDiskRetry = undefined
      if (this.#waiting.reason !== 'disk') return
      this.#pool.prepare()
      this.#retryDisk()
    })
  }

  #admitWaiting(): void {
    if (this.#state !== 'open' || this.#waiting.length === 0) return
    this.#waiting.admit(
      (call) => this.#fullReason(call) === undefined,
      (call) => this.#enqueue(call),
    )
  }

  // --- writing groups

  readonly #writeNext = (): void => {
    this.#writing = this.#writeGroup().then(this.#groupDone)
  }

  readonly #groupDone = (): void => {
    // The writers just woken append in their own reactions, which all run before the next tick.
    if (this.#queue.length > 0) process.nextTick(this.#writeNext)
    else this.#isWriting = false
  }

  /** Writes the calls at the head of the queue as one group, as many as fit. Never rejects. */
  async #writeGroup(): Promise<void> {
    let calls: Call[] = []
    try {
      calls = await this.#takeCalls()
      if (calls.length > 0) await this.#commit(calls)
    } catch (error) {
      const failure = this.#fail('write', error)
      for (const call of calls) call.reject(failure)
    }
  }

  async #commit(calls: readonly Call[]): Promise<void> {
    const { observer, clock } = this.#parts
    const startMs = observer?.synced === undefined ? 0 : clock.monotonicMs()
    const payloads: Uint8Array[] = []
    let payloadBytes = 0
    let mustSync = false
    let isMark = false
    for (const call of calls) {
      payloadBytes += call.payloadBytes
      mustSync ||= call.isDurable
      isMark ||= call.isMark
      if (call.records instanceof Uint8Array) payloads.push(call.records)
      else for (const record of call.records) payloads.push(record)
    }
    const first = this.#lastSequence + 1
    let bytes = 0
    if (payloads.length > 0 || isMark) {
      bytes = await this.#write(payloads, payloadBytes, 0, mustSync)
    }
    await this.#mayAcknowledge()
    this.#queuedRecords -= payloads.length
    this.#queuedBytes -= payloadBytes + payloads.length * LENGTH_BYTES
    acknowledge(calls, false, first)
    if (!mustSync) return
    await this.#sync()
    await this.#mayAcknowledge()
    observer?.synced?.({ records: payloads.length, bytes, durationMs: clock.monotonicMs() - startMs })
    acknowledge(calls, true, first)
  }

  /**
   * Something else may have failed meanwhile: then the log is in doubt. Or this process stood still for so long that another may have
   * taken the log over. What was written before it did so, it has.
   */
  async #mayAcknowledge(): Promise<void> {
    if (!this.#parts.lock.isSure) await this.#parts.lock.makeSure()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Takes the next group's calls off the queue, and sees to it that the active segment has room for them. */
  async #takeCalls(): Promise<Call[]> {
    let count = this.#countFitting()
    if (count === 0 && this.#queue.length > 0) {
      if (await this.#rotate()) {
        count = this.#countFitting()
      } else {
        this.#turnAway()
        return []
      }
    }
    if (count === this.#queue.length) {
      const calls = this.#queue
      this.#queue = []
      return calls
    }
    return this.#queue.splice(0, count)
  }

  /** How many calls at the head of the queue go into one group in the active segment. */
  #countFitting(): number {
    const { segmentBytes, offset } = this.#active
    const room = usableBytesOf(segmentBytes) + SEGMENT_HEADER_BYTES - offset
    const wanted = Math.min(room, this.#parts.limits.groupBytesMax)
    let recordCount = 0
    let payloadBytes = 0
    let count = 0
    for (const call of this.#queue) {
      recordCount += call.count
      payloadBytes += call.payloadBytes
      const bytes = groupBytesOf(recordCount, payloadBytes)
      // Marks may use the room that is kept for them, and a call of its own may exceed the usual group.
      if (recordCount > 0 && bytes > (count === 0 ? room : wanted)) break
      if (recordCount === 0 && call.isMark && !this.#hasRoomForMark()) break
      count++
    }
    return count
  }

  #hasRoomForMark(): boolean {
    return this.#active.offset + MARK_BYTES <= this.#active.segmentBytes
  }

  /**
   * No next segment and a full disk: the first call waits or is refused. Marks mostly still fit behind it; one that does
   * not is left out, and who asked for it looks whether the release is durable.
   */
  #turnAway(): void {
    const calls = this.#queue.filter((call) => call.count > 0)
    const others = this.#queue.filter((call) => call.count === 0)
    this.#queue = others.filter((call) => !call.isMark || this.#hasRoomForMark())
    for (const call of others) if (!this.#queue.includes(call)) call.resolve(this.#lastSequence)
    const waiting: Call[] = []
    for (const call of calls) {
      this.#queuedRecords -= call.count
      this.#queuedBytes -= call.payloadBytes + call.count * LENGTH_BYTES
      if (this.#state === 'failed') call.reject(this.#failure)
      else if (call.isUrgent || this.#state !== 'open') call.reject(this.#full('disk'))
      else waiting.push(call)
    }
    // They were called before those that wait already.
    this.#refuseOrWait(waiting, 'disk', true)
  }

  /** Leaves the active segment for the next. @returns false if there is none */
  async #rotate(): Promise<boolean> {
    const left = this.#active
    await this.#parts.lock.look()
    // The next segment's header says that all of this one is durable.
    if (left.durableBytes < left.offset) await this.#sync()
    this.#pool.prepare()
    const next = await this.#pool.take()
    if (next === undefined) return false
    if (this.#failure !== undefined) {
      await next.handle.close()
      return false
    }
    const lastSequence = this.#lastSequence
    this.#active = {
      id: next.id,
      segmentBytes: next.segmentBytes,
      handle: next.handle,
      firstSequence: lastSequence + 1,
      offset: SEGMENT_HEADER_BYTES,
      durableBytes: 0,
      previousCrc: left.previousCrc,
    }
    this.#pool.seal({
      id: left.id,
      firstSequence: left.firstSequence,
      lastSequence,
      segmentBytes: left.segmentBytes,
      usedBytes: left.offset,
    })
    // Only now: if this fails, `close` has the new one to close, and must not close the old one again.
    await left.handle.close()
    this.#pool.prepare()
    void this.#pool.free()
    return true
  }

  /**
   * Writes a group at the end of the active segment: through to the disk, if it is to be durable and nothing before it waits for
   * a sync.
   *
   * @returns its bytes
   */
  async #write(
    payloads: readonly Uint8Array[],
    payloadBytes: number,
    flags: number,
    mustSync: boolean,
  ): Promise<number> {
    const active = this.#active
    const firstSequence = this.#lastSequence + 1
    const releasedThrough = this.#releasedThrough
    const writtenMs = Math.max(0, Math.floor(this.#parts.clock.nowMs()))
    const isFirst = active.offset === SEGMENT_HEADER_BYTES
    const { previousCrc } = active
    const prefix = isFirst
      ? encodeSegmentHeader(
          this.#parts.files.header(active.id, { firstSequence, previousCrc }, active.segmentBytes),
        )
      : undefined
    const facts = {
      segmentId: active.id,
      firstSequence,
      durableBytes: active.durableBytes,
      releasedThrough,
      writtenMs,
      previousCrc,
      flags,
    }
    const { buffers, groupBytes, crc } = this.#encoder.encode(payloads, payloadBytes, facts, prefix)
    const position = isFirst ? 0 : active.offset
    const isThrough = mustSync && (isFirst || active.durableBytes === active.offset)
    if (isThrough) await active.handle.writeThrough(buffers, position)
    else await active.handle.write(buffers, position)
    this.#encoder.recycle()
    active.offset += groupBytes
    if (isThrough) active.durableBytes = active.offset
    active.previousCrc = crc
    this.#lastSequence += payloads.length
    this.#writtenRelease = releasedThrough
    this.#endsClosed = (flags & GROUP_CLOSES_LOG) !== 0
    if (payloads.length > 0) this.#backlog.add(this.#lastSequence, groupBytes, writtenMs)
    return groupBytes
  }

  /** Makes durable what has been written, and notes that it is. A segment without a group has nothing that could count. */
  async #sync(): Promise<void> {
    const active = this.#active
    const { offset } = active
    if (active.durableBytes < offset && offset > SEGMENT_HEADER_BYTES) {
      await active.handle.sync()
      active.durableBytes = offset
    }
    this.#durableSequence = this.#lastSequence
    this.#durableRelease = this.#writtenRelease
  }

  /**
   * Also sees to it that a group in the active segment tells of it: the segment before may be the next to go. On a
   * failed log it rejects: whether the oldest segment is still there is then unknown, and to free a later one could
   * leave a gap.
   *
   * @returns whether it is durable; not on a full disk without room for another mark
   */
  async #makeReleaseDurable(through: number): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isReleaseDurable(through)) return true
    await this.#request(true)
    return this.#isReleaseDurable(through)
  }

  #isReleaseDurable(through: number): boolean {
    return this.#durableRelease >= through && this.#active.durableBytes > 0
  }

  // --- ending

  /** Marks the log failed, once, and rejects everything that is queued or waits. */
  #fail(operation: string, error: unknown): LogFailed {
    if (this.#failure !== undefined) return this.#failure
    const failure = error instanceof LogLockLost ? error : this.#failureOf(operation, error)
    this.#failure = failure
    if (this.#state === 'open') this.#state = 'failed'
    const calls = [...this.#queue, ...this.#waiting.clear()]
    this.#queue = []
    this.#queuedRecords = 0
    this.#queuedBytes = 0
    for (const call of calls) call.reject(failure)
    this.#parts.observer?.failed?.({ operation, error })
    return failure
  }

  #failureOf(operation: string, error: unknown): LogFailed {
    const reason = error instanceof Error ? error.message : String(error)
    return new LogFailed(`the log failed (${operation}): ${reason}`, {
      cause: error,
      details: { operation, lastSequence: this.#lastSequence, durableSequence: this.#durableSequence },
    })
  }

  async #close(): Promise<void> {
    const hadFailed = this.#state === 'failed'
    if (!hadFailed) this.#state = 'closing'
    for (const call of this.#waiting.clear()) call.reject(this.#whyNot())
    this.#cancelDiskRetry?.()
    try {
      if (this.#failure === undefined) await this.#request(false)
      await this.#pool.stop()
      // On a failed log a group may still be under way, and must not reach the files of the next writer.
      await this.#writing
      const isMarked = this.#endsClosed && this.#durableRelease === this.#releasedThrough
      const isUnused = this.#lastSequence === 0
      const isWanted = this.#failure === undefined && !isMarked && !isUnused
      if (isWanted) await this.#parts.lock.makeSure()
      if (isWanted && (this.#hasRoomForMark() || (await this.#rotate()))) {
        await this.#write([], 0, GROUP_CLOSES_LOG, true)
        await this.#sync()
      }
    } catch (error) {
      this.#fail('close', error)
    }
    for (const handle of [this.#pool.takePrepared()?.handle, this.#active.handle]) {
      await handle?.close().catch((error: unknown) => this.#fail('close', error))
    }
    await this.#parts.lock.release().catch((error: unknown) => this.#fail('unlock', error))
    this.#state = 'closed'
    if (!hadFailed && this.#failure !== undefined) throw this.#failure
  }

  // --- looking up

  #oldestSequence(): number {
    return this.#pool.sealed[0]?.firstSequence ?? this.#active.firstSequence
  }

  #segmentWith(sequence: number): { id: number; firstSequence: number; lastSequence: number } {
    const { id, firstSequence } = this.#active
    if (sequence >= firstSequence) return { id, firstSequence, lastSequence: this.#lastSequence }
    // Linear, but once a segment, and there are few.
    return this.#pool.sealed.find((segment) => segment.lastSequence >= sequence)!
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #whyNot(): LogFailed | LogClosed {
    return this.#failure ?? new LogClosed('the log is closed', { details: { state: this.#state } })
  }

  #full(reason: FullReason): LogFull {
    const { limits } = this.#parts
    const bytes = this.#backlog.bytes + this.#pool.heldBytes
    const entries = this.#lastSequence - this.#releasedThrough
    const said: Record<FullReason, string> = {
      records: `${entries} of ${limits.recordsMax} records are not released`,
      bytes: `${bytes} of ${limits.bytesMax} bytes are not released`,
      age: `its oldest record is older than ${limits.ageMsMax} ms`,
      disk: 'the disk is full',
    }
    return new LogFull(`the log is full: ${said[reason]}`, {
      details: { reason, entries, recordsMax: limits.recordsMax, bytes, bytesMax: limits.bytesMax },
    })
  }

  #tooLarge(count: number, payloadBytes: number): RecordTooLarge {
    const { payloadBytesMax, recordsMax } = this.#parts.limits
    const said =
      count > recordsMax
        ? `a call with ${count} records does not fit: limits.recordsMax is ${recordsMax}`
        : `records of ${payloadBytes} bytes in one call do not fit a segment: its limit is ${payloadBytesMax - (count - 1) * LENGTH_BYTES} bytes for ${count}`
    return new RecordTooLarge(said, { details: { count, payloadBytes, payloadBytesMax, recordsMax } })
  }
}

function acknowledge(calls: readonly Call[], isDurable: boolean, firstSequence: number): void {
  let sequence = firstSequence - 1
  for (const call of calls) {
    sequence += call.count
    if (call.isDurable === isDurable) call.resolve(sequence)
  }
}

function notRecords(): InvalidInput {
  return new InvalidInput('records', 'must be a Uint8Array or a non-empty array of them')
}

function checkSequence(field: string, sequence: number, min: number, max: number): void {
  if (Number.isInteger(sequence) && sequence >= min && sequence <= max) return
  throw new InvalidInput(field, `must be a sequence from ${min} to ${max}, not ${String(sequence)}`, {
    min,
    max,
  })
}
