import type { Failure } from '../backend.ts'

/** Another connection is writing, or an id was inserted meanwhile. */
const CONFLICTS = new Set(['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE'])
/** The value is too big, of the wrong type, or against a rule of the table. */
const REFUSALS = ['SQLITE_TOOBIG', 'SQLITE_MISMATCH', 'SQLITE_CONSTRAINT', 'SQLITE_RANGE']

/** What SQLite's extended result codes mean to a batch. Source: sqlite.org/rescode.html. */
export function classifySqliteError(error: unknown): Failure {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string') return 'unavailable'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') || CONFLICTS.has(code))
    return 'conflict'
  return REFUSALS.some((refusal) => code.startsWith(refusal)) ? 'refused' : 'unavailable'
}

/** SQLite's messages name tables and columns, never values. */
export function describeSqliteError(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return `${code ?? 'error'}: ${message ?? 'unknown'}`
}
