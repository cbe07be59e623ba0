import type { MysqlConnection, ServerThread } from './connection.ts'

/**
 * Memory of the sessions that were lost while they wrote.
 *
 * A connection that was lost within a transaction lives on at the server, and holds its locks until the server notices, which may
 * take hours [P61]. What became of its transaction is found out without this; this hastens it: the session is told to end. After a restart, or at another
 * server, its number may be a stranger's, but not together with the address of a socket that was ours.
 */
export class LostSessions {
  readonly #threads = new Set<ServerThread>()

  /** @param thread `undefined`: the server does not tell its sessions apart, and ends a silent one by itself */
  add(thread: ServerThread | undefined): void {
    if (thread !== undefined) this.#threads.add(thread)
  }

  /**
   * Tells all of them to end. A session that was told so may take a moment to roll back.
   *
   * @param withConnection runs what is asked for on a connection
   */
  async end(
    withConnection: (work: (connection: MysqlConnection) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    if (this.#threads.size === 0) return
    await withConnection(async (connection) => {
      for (const thread of [...this.#threads]) {
        await endSession(connection, thread)
        this.#threads.delete(thread)
      }
    })
  }
}

async function endSession(connection: MysqlConnection, { id, host }: ServerThread): Promise<void> {
  const found = await connection.rows(
    'SELECT ID FROM information_schema.PROCESSLIST WHERE ID = ? AND HOST = ?',
    [id, host],
  )
  if (found.length === 0) return
  try {
    await connection.command(`KILL CONNECTION ${id}`)
  } catch (error) {
    // It has ended by itself meanwhile, or the server lets nobody end another: nothing depends on it.
    if (!isAnswer(error)) throw error
  }
}

/** Whether the server has said it: its answers have a state. */
function isAnswer(error: unknown): boolean {
  return typeof (error as { sqlState?: unknown }).sqlState === 'string'
}

/** Which session of the server this connection is; `undefined`: it cannot be told from others. */
export async function threadOf(connection: MysqlConnection): Promise<ServerThread | undefined> {
  const [row] = await connection.rows<{ id: number; host: string }>(
    'SELECT ID AS id, HOST AS host FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()',
    [],
  )
  // Without a port it came through a Unix socket, as others may have.
  if (row === undefined || !/:\d+$/.test(row.host)) return undefined
  return { id: Number(row.id), host: row.host }
}
