import type { CancelTimer, Clock, InvalidInput } from '@se/core'
import type { Bounds } from './bounds.ts'
import { payloadBytesOf, whyTooLarge, type Call, type Records } from './call.ts'
import type { GroupCommit } from './group-commit.ts'
import type { LogLife } from './log-life.ts'
import type { AppendOptions } from './log-types.ts'
import type { FullReason, LogObserver } from './observer.ts'
import { readAppendOptions, type ParsedOptions } from './options.ts'
import type { SegmentSupply } from './segment-supply.ts'
import { WaitingLine } from './waiting-line.ts'

/** A full disk is tried again this long after the last attempt, ms, when a caller wants to append, or waits to. */
const DISK_RETRY_MS = 1000

export interface AdmissionPorts {
  readonly options: Pick<ParsedOptions, 'limits' | 'onFull' | 'waitMs'>
  readonly clock: Clock
  readonly observer: LogObserver | undefined
  readonly life: Pick<LogLife, 'state' | 'isOpen' | 'whyNot'>
  readonly bounds: Pick<Bounds, 'fullReason' | 'fullError'>
  readonly supply: Pick<SegmentSupply, 'prepare' | 'sinceAttemptMs'>
  readonly commit: Pick<GroupCommit, 'enqueue'>
}

/** Takes appends in, and at a bound lets them wait for room or refuses them. */
export class Admission {
  readonly #ports: AdmissionPorts
  readonly #waiting: WaitingLine<Call>
  #cancelDiskRetry: CancelTimer | undefined

  constructor(ports: AdmissionPorts) {
    this.#ports = ports
    this.#waiting = new WaitingLine(ports.clock, ports.options.waitMs, (expired) => {
      for (const { entry, reason } of expired) entry.reject(ports.bounds.fullError(reason))
      // The calls behind them may need less room.
      this.admitWaiting()
    })
  }

  /** Calls that wait for room. */
  get waitingCount(): number {
    return this.#waiting.length
  }

  /** @returns sequence of the (last) record, once it is written, and synced if it is to be durable */
  submit(records: Records, isDurable: boolean, options: AppendOptions | undefined): Promise<number> {
    const { life, bounds } = this.#ports
    if (!life.isOpen) return Promise.reject(life.whyNot())
    let isUrgent: boolean
    let payloadBytes: number
    try {
      isUrgent = readAppendOptions(options).urgent
      payloadBytes = payloadBytesOf(records)
    } catch (error) {
      return Promise.reject(error as InvalidInput)
    }
    const recordCount = records instanceof Uint8Array ? 1 : records.length
    const tooLarge = whyTooLarge(recordCount, payloadBytes, this.#ports.options.limits)
    if (tooLarge !== undefined) return Promise.reject(tooLarge)
    return new Promise((resolve, reject) => {
      const call: Call = {
        // The caller's array may be used again at once; only the bytes must stay as they are.
        records: records instanceof Uint8Array ? records : records.slice(),
        recordCount,
        payloadBytes,
        isDurable,
        isControl: false,
        isUrgent,
        resolve,
        reject,
      }
      // Behind those that wait already, or it would overtake them.
      const reason = isUrgent
        ? undefined
        : (this.#waiting.reason ?? bounds.fullReason(recordCount, payloadBytes))
      if (reason === undefined) this.#ports.commit.enqueue(call)
      else this.#waitOrRefuse([call], reason, false)
    })
  }

  /** Room may have been made: takes in the first calls that wait, as many as have room now. */
  admitWaiting(): void {
    const { life, bounds, commit } = this.#ports
    if (!life.isOpen || this.#waiting.length === 0) return
    this.#waiting.admit(
      (call) => bounds.fullReason(call.recordCount, call.payloadBytes) === undefined,
      (call) => commit.enqueue(call),
    )
  }

  /** Calls that were taken in find no segment on a full disk. They came before all that wait. */
  takeBack(calls: readonly Call[]): void {
    const { life, bounds } = this.#ports
    const waiting: Call[] = []
    for (const call of calls) {
      if (life.state === 'failed') call.reject(life.whyNot())
      else if (call.isUrgent || !life.isOpen) call.reject(bounds.fullError('disk'))
      else waiting.push(call)
    }
    this.#waitOrRefuse(waiting, 'disk', true)
  }

  /** Takes out all that wait. Nothing is to be taken in any more. */
  stop(): Call[] {
    this.#cancelDiskRetry?.()
    return this.#waiting.clear()
  }

  #waitOrRefuse(calls: readonly Call[], reason: FullReason, isFirst: boolean): void {
    const { observer, options, bounds, supply } = this.#ports
    const refused = options.onFull === 'refuse'
    for (const call of calls) {
      observer?.full?.({ reason, refused })
      if (refused) call.reject(bounds.fullError(reason))
    }
    if (!refused) this.#waiting.add(calls, reason, isFirst)
    if (reason !== 'disk') return
    if (supply.sinceAttemptMs >= DISK_RETRY_MS) supply.prepare()
    if (!refused) this.#retryDisk()
  }

  /** Tries a full disk again as long as a call waits for it, also if no other call comes. */
  #retryDisk(): void {
    this.#cancelDiskRetry ??= this.#ports.clock.setBackgroundTimer(DISK_RETRY_MS, () => {
      this.#cancelDiskRetry = undefined
      if (this.#waiting.reason !== 'disk') return
      this.#ports.supply.prepare()
      this.#retryDisk()
    })
  }
}
