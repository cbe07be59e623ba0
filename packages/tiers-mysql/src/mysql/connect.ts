import { setLimit, type Clock } from '@se/core'
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2'
import { MysqlConnection } from './connection.ts'
import { OWN_CODES } from './error-table.ts'
import { codedError, driverError } from './errors.ts'
import { threadOf } from './lost-sessions.ts'
import {
  ENCODING_PROBE,
  isReadOnly,
  planSession,
  readBackStatement,
  sessionFaults,
  TOPOLOGY_VARIABLES,
  topologyOf,
  type SessionLimits,
} from './topology.ts'

export interface ConnectOptions extends SessionLimits {
  /** Host, user and so on; see `mysql/url.ts`. */
  readonly server: ConnectionOptions
  /** Longest time until a connection is there, with its session set up, ms. */
  readonly connectTimeoutMs: number
  readonly statementTimeoutMs: number
  readonly clock: Clock
}

/** Prepared statements kept by each connection. All texts of the archive are some 60. */
const PREPARED_MAX = 200
/** Before anything is known of the server. */
const UNKNOWN_SESSION = {
  thread: undefined,
  packetBytesMax: 0,
  topology: topologyOf([]),
}

/**
 * Opens a connection, sets its session up and reads it back: the handshake asks for much that a server's
 * `init_connect` or a proxy then changes [P47, P68]. What cannot be written is not taken at all [P69].
 *
 * @param gaveUp aborted when no caller wants the connection any more; its reason is what this fails with
 */
export async function connect(options: ConnectOptions, gaveUp?: AbortSignal): Promise<MysqlConnection> {
  const { clock, connectTimeoutMs } = options
  const raw = createConnection({
    ...options.server,
    connectTimeout: connectTimeoutMs,
    charset: 'utf8mb4_bin',
    maxPreparedStatements: PREPARED_MAX,
    // `affectedRows` then counts rows that changed, not rows that were found [P40].
    flags: ['-FOUND_ROWS'],
  })
  // From the first moment on, or an error between two statements would end the process.
  raw.on('error', () => undefined)
  const bare = new MysqlConnection(raw, UNKNOWN_SESSION, { clock, timeoutMs: connectTimeoutMs })
  return new Promise<MysqlConnection>((resolve, reject) => {
    const ended = (): void => {
      cancel()
      gaveUp?.removeEventListener('abort', giveUp)
    }
    const fail = (error: Error): void => {
      ended()
      reject(error)
      bare.destroy()
    }
    const giveUp = (): void => fail(gaveUp?.reason as Error)
    const cancel = setLimit(clock, connectTimeoutMs, () =>
      fail(codedError(OWN_CODES.statementTimeout, `no connection within ${connectTimeoutMs} ms`)),
    )
    gaveUp?.addEventListener('abort', giveUp)
    shakeHands(raw)
      .then(() => setUp(raw, bare, options))
      .then((connection) => {
        ended()
        resolve(connection)
      }, fail)
  })
}

function shakeHands(raw: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.once('connect', () => resolve())
    raw.once('error', (error: Error) => reject(driverError(error)))
  })
}

async function setUp(
  raw: Connection,
  bare: MysqlConnection,
  options: ConnectOptions,
): Promise<MysqlConnection> {
  const { clock, statementTimeoutMs } = options
  const names = TOPOLOGY_VARIABLES.map((name) => `'${name}'`).join(', ')
  const variables = await bare.rows<Record<string, string>>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`,
    [],
  )
  const topology = topologyOf(
    variables.map((row) => ({ name: String(row['Variable_name']), value: String(row['Value']) })),
  )
  const plan = planSession(topology, options)
  for (const statement of plan.statements) await bare.command(statement)
  const [row] = await bare.rows<Record<string, unknown>>(readBackStatement(topology, plan), [
    ENCODING_PROBE.text,
  ])
  if (row === undefined) throw codedError(OWN_CODES.session, 'the session could not be read back')
  const faults = sessionFaults(plan, row)
  if (faults.length > 0) {
    throw codedError(OWN_CODES.session, `not as it was set: ${faults.join(', ')}`)
  }
  if (isReadOnly(String(row['read_only_values']))) {
    throw codedError(OWN_CODES.readOnly, 'the server cannot be written')
  }
  // Behind Vitess it would be the number of a connection that others use as well.
  const thread = topology.isVitess ? undefined : await threadOf(bare)
  const packetBytesMax = Number(row['packet_bytes'])
  return new MysqlConnection(
    raw,
    { thread, packetBytesMax, topology },
    { clock, timeoutMs: statementTimeoutMs },
  )
}
