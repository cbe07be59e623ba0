import { StorageError } from '@se/core'

/** The promises that a run is held to, by the name that a failure gives. */
export const RULES = {
  back: 'a process reads nothing older than it has read before',
  dirty: 'what one process has not committed, no other reads',
  fast: 'an answer without I/O agrees with a read',
  final: 'at the end each tier holds the newest commit',
  'foreign-error': 'a call fails with an error of the engine, and no other',
  hangs: 'every call ends',
  invented: 'what is read was written, under this id',
  'lost-history': 'what the archive has lost is not read later than Δ after that [P65]',
  'not-archived': 'what was acknowledged gets into the archive, or something newer does [W2]',
  'not-stored': 'what is written when all is well is stored [P67]',
  own: 'a process reads what was acknowledged to it, or something newer [R2]',
  'parked-ahead': 'nothing is set aside for its stamp while no clock of the archive has jumped [P67]',
  pending: 'nothing is pending when everything is flushed',
  released: 'the log holds nothing when everything is flushed [W2]',
  roots: 'at the end archive and cache have the same roots',
  stale: 'others’ commits are read after Δ, and at once from the source [R5]',
  stamp: 'what is read has the stamp that it was given',
  start: 'a process starts when everything answers',
  'too-early': 'nothing is read that is less safe than its writer asked for [W1]',
  'unhandled-rejection': 'no promise is rejected behind everybody',
  verify: 'at the end each copy proves the same state',
  wolf: 'a check finds no fault where there is none',
} as const satisfies Readonly<Record<string, string>>

export type Rule = keyof typeof RULES

/** A promise that was broken. */
export class Anomaly extends Error {
  override readonly name = 'Anomaly'
  /** Which rule: the same for all runs that break it in this way. */
  readonly rule: Rule

  constructor(rule: Rule, message: string, cause?: unknown) {
    super(`[${rule}] ${message}`, { cause })
    this.rule = rule
  }
}

/** Why a call failed: one of the engine's own errors. @throws Anomaly for any other */
export function reasonOf(error: unknown): string {
  if (error instanceof Anomaly) throw error
  if (error instanceof StorageError) return error.code
  throw new Anomaly('foreign-error', `a call fails with ${String(error)}`, error)
}
