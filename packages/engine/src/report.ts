import { StorageError, type Stamp } from '@se/core'

/** An error in a report: plain, so that it can be logged, sent and stored. */
export interface ErrorReport {
  readonly name: string
  readonly message: string
  /** Of errors of these packages. */
  readonly code?: string
  /** Figures: field, limit, actual. */
  readonly details?: Readonly<Record<string, unknown>>
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof StorageError) {
    const { name, message, code, details } = error
    return { name, message, code, details }
  }
  if (error instanceof Error) return { name: error.name, message: error.message }
  return { name: typeof error, message: String(error) }
}

/** A stamp for a caller: with the engine's own object a caller could move a write in time [P75]. */
export function copyOf(stamp: Stamp): Stamp
export function copyOf(stamp: Stamp | undefined): Stamp | undefined
export function copyOf(stamp: Stamp | undefined): Stamp | undefined {
  return stamp && { time: stamp.time, instance: stamp.instance }
}
