/** The types of the public face, as a log's owner sees them. Checked by the compiler; nothing here runs. */
import type { StorageError } from '@se/core'
import {
  openLog,
  repairLog,
  type FullReason,
  type Log,
  type LogFailed,
  type LogLockLost,
  type LogObserver,
  type LogOptions,
  type LogRecord,
  type LogRecovery,
  type LogState,
  type RepairOptions,
  type RepairReport,
  type Verdict,
} from '../src/index.ts'
import { expectTypeOf } from 'vitest'

declare const log: Log
const record = new Uint8Array(1)

// An append answers with a sequence, for one record or a list of them.
expectTypeOf(openLog).returns.resolves.toEqualTypeOf<Log>()
expectTypeOf(log.append(record)).resolves.toEqualTypeOf<number>()
expectTypeOf(log.append([record, record], { urgent: true })).resolves.toEqualTypeOf<number>()
expectTypeOf(log.appendBuffered(record)).resolves.toEqualTypeOf<number>()
expectTypeOf(log.sync()).resolves.toEqualTypeOf<number>()
expectTypeOf(log.release(1)).resolves.toEqualTypeOf<void>()
// @ts-expect-error a record is bytes; how text becomes bytes is its writer's affair
void log.append('record')
// @ts-expect-error the option is called `urgent`
void log.append(record, { isUrgent: true })

// It is read in a loop, and closed at the end of a block.
expectTypeOf(log.replay()).toExtend<AsyncIterable<LogRecord>>()
expectTypeOf<Pick<LogRecord, 'sequence' | 'bytes'>>().toEqualTypeOf<{
  readonly sequence: number
  readonly bytes: Uint8Array
}>()
expectTypeOf(log).toExtend<AsyncDisposable>()
for await (const each of log.replay(1)) {
  // @ts-expect-error a record is read
  each.sequence = 2
}

// What opening found tells a torn end from an end in order, and each has its word.
export function outcomeOf({ outcome, torn }: LogRecovery): string | undefined {
  switch (outcome) {
    case 'created':
    case 'closed':
    case 'clean':
      return undefined
    case 'torn':
      // @ts-expect-error only the outcome is known
      void torn.pieceFile
      return torn?.pieceFile
    default:
      return outcome satisfies never
  }
}
expectTypeOf<LogState>().toEqualTypeOf<'open' | 'closing' | 'closed' | 'failed'>()
expectTypeOf<FullReason>().toEqualTypeOf<'records' | 'bytes' | 'age' | 'disk'>()
expectTypeOf<Verdict>().toEqualTypeOf<'alive' | 'dead' | 'unknown'>()
// @ts-expect-error figures are read
log.stats().records = 0

// Options.
const options: LogOptions = { directory: '/tmp/log', limits: { segmentBytes: 4096 }, onFull: 'refuse' }
void openLog(options)
// @ts-expect-error a directory must be named
void openLog({ limits: {} })
// @ts-expect-error at a limit it waits or refuses
void openLog({ directory: '/tmp/log', onFull: 'drop' })
// @ts-expect-error limits stand together
void openLog({ directory: '/tmp/log', recordsMax: 1 })
// @ts-expect-error options are read once
options.directory = '/tmp/other'
// A repair asks for nothing that only a running log needs.
expectTypeOf<RepairOptions>().not.toHaveProperty('limits')
expectTypeOf(repairLog).returns.resolves.toEqualTypeOf<RepairReport>()
expectTypeOf<RepairReport['finding']>().toEqualTypeOf<StorageError | undefined>()
expectTypeOf<RepairReport['keptFiles']>().toEqualTypeOf<readonly string[]>()

// An observer listens to as much as it likes; an event it misspells is refused.
export const observer: LogObserver = {
  full({ reason, refused }) {
    expectTypeOf(reason).toEqualTypeOf<FullReason>()
    expectTypeOf(refused).toEqualTypeOf<boolean>()
  },
}
// @ts-expect-error the event is called `synced`
export const deaf: LogObserver = { sync() {} }

// A lock that was lost is a log that has failed, and says which of the two.
expectTypeOf<LogLockLost>().toExtend<LogFailed>()
expectTypeOf<LogFailed['code']>().toEqualTypeOf<'SE_LOG_FAILED' | 'SE_LOG_LOCK_LOST'>()
expectTypeOf<LogLockLost['code']>().toEqualTypeOf<'SE_LOG_LOCK_LOST'>()
