import { SharedRun } from '@se/core'
import type { MysqlConnection } from './connection.ts'
import { OWN_CODES } from './error-table.ts'
import { codedError } from './errors.ts'

/** How long an old connection is waited for after it was told to end, seconds. */
const ENDING_SECONDS = 10
const NO_SUCH_THREAD = 1094

/**
 * Memory of the sessions that were lost while they wrote.
 *
 * A connection lost during COMMIT lives on at the server, may still commit, and holds its locks for hours
 * [P61]. So each session takes a server-wide lock with a name of its own: the session that holds that lock
 * is the old session, under any number, also after a restart that gave the number to a stranger; and the
 * lock is free only after the session has rolled back.
 */
export class LostSessions {
  readonly #lockNames = new Set<string>()
  readonly #ending = new SharedRun<void>()

  add(lockName: string): void {
    this.#lockNames.add(lockName)
  }

  /**
   * Returns once none is left on the server.
   *
   * @param withConnection runs what is asked for on a connection
   */
  async end(
    withConnection: (work: (connection: MysqlConnection) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    while (this.#lockNames.size > 0) {
      // One at a time: a session that waits for such a lock holds it for a moment, and must not be taken for the old session.
      await this.#ending.run(() => withConnection((connection) => this.#endAll(connection)))
    }
  }

  async #endAll(connection: MysqlConnection): Promise<void> {
    for (const lockName of [...this.#lockNames]) {
      await endSession(connection, lockName)
      this.#lockNames.delete(lockName)
    }
  }
}

/**
 * Ends the session that holds a lock, and returns when it has rolled back or committed.
 *
 * @throws with code SE_OLD_CONNECTION_LIVES when it has not ended in time; ask again
 */
async function endSession(connection: MysqlConnection, lockName: string): Promise<void> {
  const [holder] = await connection.rows<{ thread: number | null }>('SELECT IS_USED_LOCK(?) AS thread', [
    lockName,
  ])
  const thread = Number(holder?.thread ?? 0)
  if (thread === 0) return
  try {
    await connection.command(`KILL CONNECTION ${thread}`)
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as { errno?: unknown }).errno !== NO_SUCH_THREAD) throw error
  }
  const [row] = await connection.rows<{ is_free: number | null }>('SELECT GET_LOCK(?, ?) AS is_free', [
    lockName,
    ENDING_SECONDS,
  ])
  if (Number(row?.is_free) !== 1) {
    throw codedError(OWN_CODES.oldConnectionLives, 'a lost connection still holds its locks on the server')
  }
  await connection.rows('SELECT RELEASE_LOCK(?)', [lockName])
}
