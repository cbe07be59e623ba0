import { statSync } from 'node:fs'
import { fileMovedError } from './errors.ts'

/**
 * Which file a path named when it was opened. An open file that was removed, or replaced by a backup, takes writes as before,
 * and all of them are gone when it is closed: commits into it are worth nothing.
 */
export class FileIdentity {
  readonly #path: string
  readonly #opened: string | undefined

  /** @param path absolute, as the process may change its directory */
  constructor(path: string) {
    this.#path = path
    this.#opened = identityOf(path)
  }

  /** @throws an error with SQLite's own code for this, when the path names another file now, or none */
  check(): void {
    if (identityOf(this.#path) !== this.#opened) throw fileMovedError()
  }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}
