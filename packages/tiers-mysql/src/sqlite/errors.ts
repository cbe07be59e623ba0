import type { ErrorMeanings, Failure } from '../archive-database.ts'

/** Codes of our own, for what the driver would have to say. */
const CLOSED = 'SE_CLOSED'
const NO_TURN = 'SE_NO_TURN'

/** To callers, a closed archive is an unavailable one. */
export function closedError(): Error {
  return Object.assign(new Error('the database is closed'), { code: CLOSED })
}

export function noTurnError(waitMs: number): Error {
  const message = `the file was not free within ${waitMs} ms; a scan's visitor must not wait for the archive`
  return Object.assign(new Error(message), { code: NO_TURN })
}

/** In WAL mode SQLite itself does not look. */
export function fileMovedError(): Error {
  return Object.assign(new Error('the file was removed or replaced while it was open'), {
    code: 'SQLITE_READONLY_DBMOVED',
  })
}

const CONFLICT: Failure = { kind: 'conflict' }
const REFUSED: Failure = { kind: 'refused' }
const UNAVAILABLE: Failure = { kind: 'unavailable' }
const NO_ACCESS: Failure = {
  kind: 'misconfigured',
  because: 'missing-right',
  advice: 'the file cannot be opened or written: check the path, and the rights of file and directory',
}
const NO_LOCK: Failure = {
  kind: 'misconfigured',
  because: 'missing-right',
  advice:
    'the file cannot be locked: check that this user may write to it, and that its file system has locks (not a network file system)',
}
const DAMAGED: Failure = {
  kind: 'misconfigured',
  because: 'damaged',
  advice: 'the file is damaged: restore it from a backup',
}
const MOVED: Failure = {
  kind: 'misconfigured',
  because: 'file-moved',
  advice:
    'another file, or none, is in its place: stop, put the right one there, and start again; what is pending stays in the log',
}
const NOT_OURS: Failure = {
  kind: 'misconfigured',
  because: 'tables',
  advice:
    'the file is not an archive, or its tables are not those of this package: check the path and tablePrefix',
}

/**
 * What SQLite's codes, and those of the file system, mean. The longest beginning counts; anything else is
 * unavailable. Source: sqlite.org/rescode.html.
 */
export const SQLITE_ERRORS: readonly (readonly [beginning: string, failure: Failure])[] = [
  ['SQLITE_BUSY', CONFLICT],
  ['SQLITE_LOCKED', CONFLICT],
  ['SQLITE_SCHEMA', CONFLICT],
  ['SQLITE_PROTOCOL', CONFLICT],
  ['SQLITE_CONSTRAINT', REFUSED],
  // An id was inserted meanwhile.
  ['SQLITE_CONSTRAINT_PRIMARYKEY', CONFLICT],
  ['SQLITE_CONSTRAINT_UNIQUE', CONFLICT],
  ['SQLITE_TOOBIG', REFUSED],
  ['SQLITE_MISMATCH', REFUSED],
  ['SQLITE_RANGE', REFUSED],
  ['SQLITE_CANTOPEN', NO_ACCESS],
  ['SQLITE_PERM', NO_ACCESS],
  ['SQLITE_AUTH', NO_ACCESS],
  ['SQLITE_READONLY', NO_ACCESS],
  ['SQLITE_READONLY_DBMOVED', MOVED],
  // With a file of another user's, too: SQLite then reads only, and a lock for writing is an I/O error.
  ['SQLITE_IOERR_LOCK', NO_LOCK],
  ['SQLITE_IOERR_RDLOCK', NO_LOCK],
  ['EACCES', NO_ACCESS],
  ['EPERM', NO_ACCESS],
  ['EROFS', NO_ACCESS],
  ['ENOTDIR', NO_ACCESS],
  ['EEXIST', NO_ACCESS],
  ['EISDIR', NO_ACCESS],
  ['ELOOP', NO_ACCESS],
  ['ENAMETOOLONG', NO_ACCESS],
  ['SQLITE_CORRUPT', DAMAGED],
  ['SQLITE_NOTADB', NOT_OURS],
  // No such table or column.
  ['SQLITE_ERROR', NOT_OURS],
]

function classify(error: unknown): Failure {
  const code = (error as { code?: unknown } | null | undefined)?.code
  if (typeof code !== 'string') return { kind: 'own' }
  const isDriver = code.startsWith('SQLITE_') || code === CLOSED || code === NO_TURN
  // Codes of the packages and of Node's own checks are those of a mistake, or of another library's error.
  if (!isDriver && (code.startsWith('SE_') || code.startsWith('ERR_'))) return { kind: 'own' }
  let best: (typeof SQLITE_ERRORS)[number] | undefined
  for (const row of SQLITE_ERRORS) {
    const [beginning] = row
    const isMet = code === beginning || code.startsWith(`${beginning}_`)
    if (isMet && beginning.length > (best?.[0].length ?? 0)) best = row
  }
  return best?.[1] ?? UNAVAILABLE
}

/** SQLite's messages name tables and columns, never values. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return `${code ?? 'error'}: ${message ?? 'unknown'}`
}

/** What the errors of the driver mean. */
export const sqliteErrors: ErrorMeanings = { classify, describe }
