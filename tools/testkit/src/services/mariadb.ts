import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createData, isGreeting, serverArguments, sqlProgram } from './mariadb-data.ts'
import { startServer, type PrivateServer } from './server-process.ts'

/** Also for the slowest machine: a server comes up in a fraction of a second. */
export const SQL_READY_WITHIN_MS = 60_000

/** The database that exists on each private SQL server and that its url names. */
export const PRIVATE_DATABASE = 'se_test'

export interface PrivateMariaDbOptions {
  /** Further arguments of the server, e.g. `['--max-allowed-packet=1M']`. They come last and win. Read at each start. */
  readonly args?: readonly string[]
  /** Fixed port; default: a free one. */
  readonly port?: number
  /** Keeps running after this process has ended. Default false. */
  readonly isDetached?: boolean
}

/** Url of root, who has no password, on a private SQL server. */
export function privateSqlUrl(port: number): string {
  return `mysql://root@127.0.0.1:${port}/${PRIVATE_DATABASE}`
}

/**
 * Starts a MariaDB of one's own on 127.0.0.1 with an empty database; the user is root, without a password.
 *
 * Commits are as durable as in production (`innodb_flush_log_at_trx_commit=1`); only sizes are small, and what
 * tests never look at is off. A MySQL `mysqld` is started the same way, with its own way to create system
 * tables; that path has not been run on the machine this was written on.
 *
 * @throws TestServerUnavailable when there is no server program, or it does not start
 */
export async function startPrivateMariaDb(options: PrivateMariaDbOptions = {}): Promise<PrivateServer> {
  const program = await sqlProgram()
  const initFile = (directory: string) => join(directory, 'init.sql')
  return startServer({
    name: program.isMariaDb ? 'mariadb' : 'mysql',
    ...(options.port === undefined ? {} : { port: options.port }),
    isDetached: options.isDetached ?? false,
    readyWithinMs: SQL_READY_WITHIN_MS,
    url: privateSqlUrl,
    async prepare(directory) {
      // Run at each start, before the first connection is taken; each server of a pair does it for itself.
      const statements = ['SET sql_log_bin = 0;', `CREATE DATABASE IF NOT EXISTS ${PRIVATE_DATABASE};`]
      writeFileSync(initFile(directory), `${statements.join('\n')}\n`)
      await createData(program, directory)
    },
    command: (directory, port) => ({
      file: program.binary,
      args: [
        ...serverArguments(program, directory, port),
        `--init-file=${initFile(directory)}`,
        ...(program.isMariaDb ? [] : ['--skip-log-bin']),
        ...(options.args ?? []),
      ],
    }),
    isReady: isGreeting,
  })
}
