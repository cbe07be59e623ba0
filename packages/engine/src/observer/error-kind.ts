import { StorageError } from '@se/core'

/**
 * The kind of an error as a metric label: the code of an error of ours, `UNEXPECTED` for all others. Bounded,
 * because codes are constants of the classes, while messages and driver codes are not.
 */
export function errorKind(error: unknown): string {
  return error instanceof StorageError ? error.code : 'UNEXPECTED'
}
