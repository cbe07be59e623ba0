import type { Stamp } from '@se/core'
import type { Consistency } from '../../index.ts'
import type { Moment } from './archive-history.ts'
import type { Issued } from './issued.ts'

/** What a process has read of an id. */
export interface Heard extends Moment {
  readonly stamp: Stamp
  readonly isMemoryLevel: boolean
  readonly consistency: Consistency
  /** When the read began. */
  readonly askedOrder: number
}

/** Who reads what, and when the read began. */
export interface Reading extends Moment {
  readonly process: number
  readonly life: number
  readonly id: string
  readonly consistency: Consistency
}

/** What a read gave. */
export interface ReadValue {
  readonly number: unknown
  readonly stamp: Stamp
  readonly version: number | undefined
}

/** Whether an own write of the id was acknowledged after a moment. */
export function isOwnSince(issued: Issued, { id, process }: Reading, order: number): boolean {
  const { acknowledgedOrder } = issued
  return (
    issued.id === id &&
    issued.process === process &&
    acknowledgedOrder !== undefined &&
    acknowledgedOrder > order
  )
}
