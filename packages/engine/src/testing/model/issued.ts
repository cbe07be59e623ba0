import { compareStamps, isNewer, type Stamp } from '@se/core'
import type { Level } from '../../index.ts'

/** A write that was handed to an engine. */
export interface Issued {
  readonly id: string
  /** Unique, so that what is read can be told apart; `undefined`: a delete. */
  readonly value: number | undefined
  readonly process: number
  /** Which life of the process: it is another one after each start. */
  readonly life: number
  readonly level: Level
  readonly order: number
  /** Those it was acknowledged, read and committed with: one that loses to a stamp from the future is stamped anew. */
  readonly stamps: Stamp[]
  /** The newest of them. */
  stamp: Stamp | undefined
  acknowledgedOrder: number | undefined
  hasFailed: boolean
  /** At level `memory`, and the process was killed. */
  isForgotten: boolean
}

/** The write has been seen under a stamp. */
export function learn(issued: Issued, stamp: Stamp): void {
  if (issued.stamps.some((each) => compareStamps(each, stamp) === 0)) return
  issued.stamps.push(stamp)
  if (isNewer(stamp, issued.stamp)) issued.stamp = stamp
}

/**
 * Whether a later own write of the id was read before this one was acknowledged. If that one is then set aside, this one stays
 * hidden until it is stored: a known hole.
 */
export function mayHide(later: Issued, { id, process, order, acknowledgedOrder = 0 }: Issued): boolean {
  return (
    later.id === id &&
    later.process === process &&
    later.order > order &&
    (later.acknowledgedOrder ?? Infinity) < acknowledgedOrder
  )
}

/** For people. */
export function nameOf({ id, value }: { readonly id: string; readonly value: number | undefined }): string {
  return value === undefined ? `the delete of ${id}` : `${id} = ${value}`
}
