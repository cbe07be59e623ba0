import path from 'node:path'

/** Where the log lies in a data directory. */
export function logDirectoryOf(dataDirectory: string): string {
  return path.join(dataDirectory, 'log')
}

/** The archive in a data directory, where there is no server of SQL. */
export function sqliteFileOf(dataDirectory: string): string {
  return path.join(dataDirectory, 'archive.sqlite')
}
