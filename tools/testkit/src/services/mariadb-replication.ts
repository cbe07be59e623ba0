import { InvalidInput } from '@se/core'
import type { RowDataPacket } from 'mysql2'
import { TestServerUnavailable } from '../errors.ts'
import { connectSql } from './connect.ts'
import { PRIVATE_DATABASE, startPrivateMariaDb } from './mariadb.ts'
import { startPairFrame, type ReplicatedPair } from './replicated-pair.ts'
import type { PrivateServer } from './server-process.ts'

const REPLICATED_WITHIN_SECONDS = 30

/** Root may write to a server that is read only; whom an application connects as may not. */
const APP_USER = 'app'

const REPLICATION_ARGS = [
  '--log-bin=binlog',
  '--binlog-format=ROW',
  '--log-slave-updates=ON',
  '--gtid-strict-mode=ON',
  '--sync-binlog=1',
]

export interface PrivateMariaDbPairOptions {
  /** Further arguments of both servers. They come last and win. */
  readonly args?: readonly string[]
}

export interface PrivateMariaDbPair extends ReplicatedPair {
  /** Url of each server for the user of `url`, past the address. */
  readonly appUrls: readonly [primary: string, replica: string]
  /** The replica applies each transaction so many seconds after it was committed; 0: at once. */
  delayReplica(seconds: number): Promise<void>
}

/**
 * Starts a MariaDB with a replica (GTIDs, row format), and an address that can be moved from one to the other.
 *
 * `url` is that of a user who may do anything but write to a server that is read only, as an application's should be:
 * the replica refuses writes until `promote`, and the old primary after `demote` (`SET GLOBAL read_only = 1`).
 *
 * @throws TestServerUnavailable when there is no mariadbd, or it does not start
 */
export async function startPrivateMariaDbPair(
  options: PrivateMariaDbPairOptions = {},
): Promise<PrivateMariaDbPair> {
  const { address, ...frame } = await startPairFrame((role) => {
    const own = role === 'primary' ? ['--server-id=1'] : ['--server-id=2', '--read-only=ON']
    return startPrivateMariaDb({ args: [...REPLICATION_ARGS, ...own, ...(options.args ?? [])] })
  })
  const [primary, replica] = frame.servers
  const appUrl = (port: number) => `mysql://${APP_USER}@127.0.0.1:${port}/${PRIVATE_DATABASE}`

  async function waitForReplica(): Promise<void> {
    const [written] = await querySql(primary, 'SELECT @@gtid_binlog_pos AS position')
    const position = String(written?.['position'])
    const wait = `SELECT MASTER_GTID_WAIT('${position}', ${REPLICATED_WITHIN_SECONDS}) AS answer`
    const [answer] = await querySql(replica, wait)
    if (answer?.['answer'] !== 0) {
      throw new TestServerUnavailable(
        `private mariadb: the replica does not have ${position} after ${REPLICATED_WITHIN_SECONDS} s`,
      )
    }
  }

  try {
    await querySql(
      replica,
      `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = 'root',
        MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos`,
      'START SLAVE',
    )
    await querySql(
      primary,
      `CREATE USER ${APP_USER}@'%'`,
      `GRANT ALL ON *.* TO ${APP_USER}@'%'`,
      `REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM ${APP_USER}@'%'`,
    )
    await waitForReplica()
  } catch (error) {
    await frame.stop()
    throw error
  }
  return {
    ...frame,
    url: appUrl(address.port),
    appUrls: [appUrl(primary.port), appUrl(replica.port)],
    waitForReplica,
    async holdReplica() {
      await querySql(replica, 'STOP SLAVE SQL_THREAD')
    },
    async releaseReplica() {
      await querySql(replica, 'START SLAVE SQL_THREAD')
    },
    async delayReplica(seconds) {
      if (!Number.isSafeInteger(seconds) || seconds < 0) {
        throw new InvalidInput('seconds', `must be a safe integer of at least 0, is ${seconds}`)
      }
      await querySql(replica, 'STOP SLAVE', `CHANGE MASTER TO MASTER_DELAY = ${seconds}`, 'START SLAVE')
    },
    async promote() {
      // With its relay log goes what it was sent and has not applied.
      await querySql(replica, 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = 0')
    },
    async demote() {
      await querySql(primary, 'SET GLOBAL read_only = 1')
    },
  }
}

/** Runs statements as root on one connection. @returns the rows of the last one, if it gives rows */
async function querySql(
  server: PrivateServer,
  ...statements: readonly string[]
): Promise<readonly RowDataPacket[]> {
  const connection = await connectSql(server.url)
  try {
    let last: unknown
    for (const statement of statements) [last] = await connection.query(statement)
    return Array.isArray(last) ? (last as RowDataPacket[]) : []
  } finally {
    connection.destroy()
  }
}
