import assert from 'node:assert/strict'
import { StorageError } from '@se/core'

/** A promise that was broken. */
export class Anomaly extends Error {
  override readonly name = 'Anomaly'
  /** Which rule: the same for all runs that break it in this way. */
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`[${rule}] ${message}`)
    this.rule = rule
  }
}

/** Why a call failed: one of the engine's own errors. */
export function reasonOf(error: unknown): string {
  if (error instanceof Anomaly) throw error
  assert.ok(error instanceof StorageError, String(error))
  return error.code
}
