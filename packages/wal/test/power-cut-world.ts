import { createPowerLossFileSystem, type PowerLossFileSystem, type SeededRandom } from '@se/core/testing'
import { openLog, type Log, type LogOptions } from '../src/index.ts'
import { inventedProcess } from './invented-processes.ts'

/** One machine of a simulated world: processes come and go, the disk stays. */
export const DIRECTORY = '/data/log'
export const SMALL_LIMITS = { segmentBytes: 4096, spareSegmentsMax: 1 } as const

/** Options that make every process of the world look dead to the next. */
export function worldOptions(fileSystem: PowerLossFileSystem, more: Partial<LogOptions> = {}): LogOptions {
  return {
    directory: DIRECTORY,
    fileSystem,
    limits: SMALL_LIMITS,
    onFull: 'refuse',
    processes: inventedProcess(1, () => 'dead'),
    random: { bytes: (length) => new Uint8Array(length).fill(7), fraction: () => 0.5 },
    ...more,
  }
}

/** What the writers know: every call they made, and what they were promised. */
export class Promises {
  /** The records of each call, in the order of the calls. */
  #calls: Uint8Array[][] = []
  durableThrough = 0
  bufferedThrough = 0
  releasedThrough = 0
  #counter = 0

  /** What the log holds, or may hold: the payload of sequence n at n - 1. */
  payloads(): Uint8Array[] {
    return this.#calls.flat()
  }

  /** Whether a call ends with this sequence: after a crash all records of a call are there or none. */
  isCallEnd(sequence: number): boolean {
    let end = 0
    for (const call of this.#calls) {
      if (end >= sequence) break
      end += call.length
    }
    return end === sequence
  }

  /** Makes a call's records. */
  submit(lengths: readonly number[], random: SeededRandom): Uint8Array[] {
    const records = lengths.map((length) => {
      // Unlike any other record, so that a resurrected one is recognised.
      const record = random.bytes(length)
      record.set(Buffer.from(`#${this.#counter++}`).subarray(0, length))
      return record
    })
    this.#calls.push(records)
    return records
  }

  /** The log refused the call before it had a sequence. */
  withdraw(records: Uint8Array[]): void {
    this.#calls = this.#calls.filter((call) => call !== records)
  }

  /** After recovery: forgets what did not survive, counts the rest as promised. */
  settle(lastSequence: number): void {
    let end = 0
    this.#calls = this.#calls.filter((call) => (end += call.length) <= lastSequence)
    this.durableThrough = lastSequence
    this.bufferedThrough = lastSequence
  }
}

/**
 * Opens the log after a crash and compares it with the promises.
 *
 * @param kept the sequence up to which everything must be there
 * @throws Error naming the broken promise
 */
export async function openAndCheck(
  disk: PowerLossFileSystem,
  promises: Promises,
  kept: number,
): Promise<Log> {
  const log = await openLog(worldOptions(disk))
  const { firstSequence, lastSequence } = log.stats()
  const told = `${log.recovery.outcome}, records ${firstSequence} to ${lastSequence}`
  if (lastSequence < kept)
    throw new Error(`acknowledged record ${lastSequence + 1} of ${kept} is gone (${told})`)
  const payloads = promises.payloads()
  if (lastSequence > payloads.length) throw new Error(`records were invented (${told})`)
  if (!promises.isCallEnd(lastSequence)) throw new Error(`a call is there in part (${told})`)
  if (firstSequence - 1 > promises.releasedThrough)
    throw new Error(`records count as released that are not (${told})`)
  let next = firstSequence
  for await (const { sequence, bytes } of log.replay()) {
    if (sequence !== next) throw new Error(`record ${sequence} came where ${next} should (${told})`)
    if (!Buffer.from(bytes).equals(payloads[sequence - 1]!)) {
      throw new Error(`record ${sequence} has other bytes than were written (${told})`)
    }
    next++
  }
  if (next !== lastSequence + 1) throw new Error(`the replay ended before ${next} (${told})`)
  return log
}

/** What a process does with its log: a random mix of everything, until it is done or the disk is gone. */
export async function useLog(
  log: Log,
  promises: Promises,
  random: SeededRandom,
  operationCount: number,
): Promise<void> {
  const running = new Set<Promise<unknown>>()
  const run = (promise: Promise<unknown>) => {
    const settled = promise.catch(() => {}).finally(() => running.delete(settled))
    running.add(settled)
  }
  for (let operation = 0; operation < operationCount; operation++) {
    if (log.stats().state !== 'open') break
    const what = random.below(20)
    if (what < 9) {
      run(append(log, promises, [lengthOf(random)], random))
    } else if (what < 12) {
      run(appendBuffered(log, promises, [lengthOf(random)], random))
    } else if (what < 14) {
      const lengths = Array.from({ length: 1 + random.below(5) }, () => lengthOf(random) >> 3)
      run(append(log, promises, lengths, random))
    } else if (what < 17) {
      const { firstSequence, lastSequence } = log.stats()
      const through = firstSequence - 1 + random.below(lastSequence - firstSequence + 2)
      promises.releasedThrough = Math.max(promises.releasedThrough, through)
      run(log.release(through))
    } else if (what < 18) {
      const last = log.stats().lastSequence
      run(log.sync().then(() => (promises.durableThrough = Math.max(promises.durableThrough, last))))
    } else {
      await Promise.all(running)
    }
  }
  if (random.chance(0.3)) run(log.close())
  await Promise.all(running)
}

/** Appends, and notes the promise when it is given. */
export async function append(
  log: Log,
  promises: Promises,
  lengths: readonly number[],
  random: SeededRandom,
): Promise<void> {
  const last = await submit(promises, lengths, random, (records) => log.append(records))
  promises.durableThrough = Math.max(promises.durableThrough, last)
}

export async function appendBuffered(
  log: Log,
  promises: Promises,
  lengths: readonly number[],
  random: SeededRandom,
): Promise<void> {
  const last = await submit(promises, lengths, random, (records) => log.appendBuffered(records))
  promises.bufferedThrough = Math.max(promises.bufferedThrough, last)
}

/** What a full log refuses was not promised. */
async function submit(
  promises: Promises,
  lengths: readonly number[],
  random: SeededRandom,
  add: (records: Uint8Array[]) => Promise<number>,
): Promise<number> {
  const records = promises.submit(lengths, random)
  try {
    return await add(records)
  } catch (error) {
    if ((error as { code?: string }).code === 'SE_LOG_FULL') promises.withdraw(records)
    throw error
  }
}

function lengthOf(random: SeededRandom): number {
  return random.chance(0.1) ? random.below(3500) : random.below(random.chance(0.5) ? 40 : 600)
}

export interface CaseSummary {
  readonly cuts: number
  readonly records: number
  readonly torn: number
  readonly segmentsFreed: number
}

/**
 * One life of a log: sessions that end by a power cut, a kill, a failed disk or in order; after each the next one
 * recovers (and may be cut while it does) and is checked.
 *
 * @throws Error naming the broken promise
 */
export async function runPowerCutCase(random: SeededRandom): Promise<CaseSummary> {
  let disk = createPowerLossFileSystem({ sectorBytes: random.chance(0.7) ? 512 : 4096 })
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  const promises = new Promises()
  const summary = { cuts: 0, records: 0, torn: 0, segmentsFreed: 0 }
  // Some cuts lose nearly all of what they may, some hardly anything.
  const newest = () => random.pick([0, 0.1, 0.5, 0.9, 1])
  for (let session = 0; session < 4; session++) {
    let log: Log
    const cutDuringRecovery = random.chance(0.25)
    arm(disk, random, cutDuringRecovery ? random.below(25) : undefined, undefined)
    try {
      log = await openAndCheck(disk, promises, Math.max(promises.durableThrough, promises.bufferedThrough))
    } catch (error) {
      if (!cutDuringRecovery || !isPowerCut(error)) throw error
      const chance = newest()
      disk = disk.afterPowerCut((count) => (random.chance(chance) ? count - 1 : random.below(count)))
      promises.bufferedThrough = 0
      summary.cuts++
      continue
    }
    summary.records += log.stats().lastSequence
    if (log.recovery.outcome === 'torn') summary.torn++
    promises.settle(log.stats().lastSequence)
    promises.releasedThrough = Math.max(promises.releasedThrough, log.stats().firstSequence - 1)
    const ending = random.pick(['cut', 'cut', 'cut', 'kill', 'fault'] as const)
    const operationCount = random.below(24)
    const endCall = random.below(3 + operationCount)
    arm(disk, random, ending === 'fault' ? undefined : endCall, ending === 'fault' ? endCall : undefined)
    await useLog(log, promises, random, operationCount)
    summary.segmentsFreed += log.stats().oldestSequence > 1 ? 1 : 0
    if (ending === 'cut') {
      disk.turnOff()
      const chance = newest()
      disk = disk.afterPowerCut((count) => (random.chance(chance) ? count - 1 : random.below(count)))
      promises.bufferedThrough = 0
      summary.cuts++
    } else {
      // A killed process leaves what it wrote in the page cache, where only a power cut can take it; or, after a
      // failed sync, the system when it needs the memory.
      const isEvicted = ending === 'fault' && random.chance(0.5)
      disk = disk.afterKill(isEvicted ? (count) => random.below(count) : undefined)
      if (isEvicted) promises.bufferedThrough = 0
    }
  }
  arm(disk, random, undefined, undefined)
  const log = await openAndCheck(disk, promises, Math.max(promises.durableThrough, promises.bufferedThrough))
  await log.close()
  return summary
}

/** Turns the disk off at a call from now, or lets one write or sync fail. */
function arm(
  disk: PowerLossFileSystem,
  random: SeededRandom,
  cutIn: number | undefined,
  faultIn: number | undefined,
): void {
  const start = disk.callCount
  const code = random.pick(['EIO', 'ENOSPC'])
  disk.onCall = ({ index, operation }) => {
    if (cutIn !== undefined && index >= start + cutIn) disk.turnOff()
    if (faultIn === undefined || index < start + faultIn) return undefined
    if (operation !== 'writev' && operation !== 'syncData') return undefined
    faultIn = undefined
    return { code }
  }
}

function isPowerCut(error: unknown): boolean {
  return ['EIO', 'SE_LOG_FAILED', 'SE_LOG_UNREADABLE'].includes((error as { code?: string }).code ?? '')
}
