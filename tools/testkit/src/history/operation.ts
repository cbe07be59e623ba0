import type { Stamp } from '@se/core'

/**
 * What a process asked the engine for.
 *
 * `value` is unique over the whole history: no other call writes it.
 */
export type Call =
  | { readonly kind: 'submit'; readonly id: string; readonly level: Level; readonly value: string }
  | { readonly kind: 'delete'; readonly id: string; readonly level: Level }
  | { readonly kind: 'get'; readonly id: string; readonly consistency: Consistency }
  | { readonly kind: 'getMany'; readonly ids: readonly string[] }
  | { readonly kind: 'containsFast'; readonly id: string }
  | { readonly kind: 'flush' }

export type Level = 'memory' | 'log' | 'archive'
export type Consistency = 'local' | 'shared' | 'source'

/** An item that was read. `value` is `undefined` when its bytes are not those of any value of the workload. */
export interface ReadItem {
  readonly value: string | undefined
  readonly stamp: Stamp
}

export type Answer =
  /** A write; `supersededBy`: the archive held something newer already. */
  | { readonly kind: 'acknowledged'; readonly stamp: Stamp; readonly supersededBy?: Stamp }
  /** A write of which the engine says that nothing happened. */
  | { readonly kind: 'refused'; readonly code: string }
  /** An error. A write that failed may have happened, or may happen yet. */
  | { readonly kind: 'failed'; readonly code: string }
  /** A read, in the order of the ids asked for; `null`: absent. */
  | { readonly kind: 'items'; readonly items: readonly (ReadItem | null)[] }
  /** `containsFast`. */
  | { readonly kind: 'said'; readonly presence: 'present' | 'absent' | 'maybe' | 'unknown' }
  | { readonly kind: 'flushed' }

/** A call with its begin and end, all by one monotonic clock that the processes of a machine share. */
export interface Operation {
  /** Who called: the owner of one log directory, however often its process was started. */
  readonly worker: number
  /** Which of the worker's processes it was: 0, 1, 2 … Each one begins after the one before has ended. */
  readonly life: number
  /** Unique within the life. */
  readonly number: number
  readonly call: Call
  /** Microseconds, taken before the call. */
  readonly beganUs: number
  /** Microseconds, taken after the answer; absent: it never came. */
  readonly endedUs?: number
  readonly answer?: Answer
  /**
   * Of a read: while the call was made, the engine said that it could not hear of other processes' writes. It may then
   * answer with an own pending write, however old.
   */
  readonly isDeaf?: boolean
}

/** One process of a worker. */
export interface Life {
  readonly worker: number
  readonly life: number
  /** When it had ended for sure; absent: it runs still. */
  readonly endedUs?: number
}

/** What several processes did to one archive. */
export interface History {
  /** In any order. */
  readonly operations: readonly Operation[]
  /** All that were killed or stopped. A life that is not listed may still run. */
  readonly lives: readonly Life[]
  /** From here on nothing is written, and each worker has flushed since its last write. Absent: no such moment. */
  readonly settledUs?: number
}
