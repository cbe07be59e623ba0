import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { TestServerUnavailable } from '../errors.ts'
import { findBinary } from './find-binary.ts'
import { startServer, type PrivateServer } from './server-process.ts'

const run = promisify(execFile)
const readyWithinMs = 60_000
const prepareWithinMs = 120_000
const greetingWithinMs = 1_000
const saidCharsMax = 2_000

/** The database that exists on each private SQL server and that its url names. */
export const privateDatabase = 'se_test'

export interface PrivateMariaDbOptions {
  /** Further arguments of the server, e.g. `['--max-allowed-packet=1M']`. They come last and win. */
  readonly args?: readonly string[]
  /** Fixed port; default: a free one. */
  readonly port?: number
  /** Keeps running after this process has ended. Default false. */
  readonly isDetached?: boolean
}

/** The SQL server on this machine: MariaDB by preference, else MySQL's mysqld. */
export function findSqlServer(): string | undefined {
  return findBinary('mariadbd', 'mysqld')
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
  const binary = findSqlServer()
  if (binary === undefined)
    throw new TestServerUnavailable('private mariadb: no mariadbd or mysqld on PATH or in /usr/sbin')
  const { stdout: version } = await run(binary, ['--no-defaults', '--version'])
  const isMariaDb = /mariadb/i.test(version)
  const asUser = process.getuid?.() === 0 ? ['--user=mysql'] : []

  return startServer({
    name: isMariaDb ? 'mariadb' : 'mysql',
    ...(options.port === undefined ? {} : { port: options.port }),
    isDetached: options.isDetached ?? false,
    readyWithinMs,
    url: (port) => `mysql://root@127.0.0.1:${port}/${privateDatabase}`,
    async prepare(directory) {
      const data = dataDirectory(directory)
      mkdirSync(data)
      // Run at each start, before the first connection is taken.
      writeFileSync(join(directory, 'init.sql'), `CREATE DATABASE IF NOT EXISTS ${privateDatabase};\n`)
      if (asUser.length > 0) chownSync(data, await userId('-u'), await userId('-g'))
      if (isMariaDb) await createMariaDbTables(binary, data, asUser)
      else
        await createTables(
          binary,
          ['--no-defaults', '--initialize-insecure', `--datadir=${data}`, ...asUser],
          data,
        )
    },
    command: (directory, port) => ({
      file: binary,
      args: [
        '--no-defaults',
        ...asUser,
        `--datadir=${dataDirectory(directory)}`,
        `--tmpdir=${dataDirectory(directory)}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        // Relative to the data directory: an absolute path may exceed what a socket address holds (108 bytes).
        '--socket=server.sock',
        '--pid-file=server.pid',
        `--init-file=${join(directory, 'init.sql')}`,
        '--skip-name-resolve',
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=64M',
        '--performance-schema=OFF',
        ...(isMariaDb ? ['--innodb-log-file-size=32M'] : ['--mysqlx=OFF', '--skip-log-bin']),
        ...(options.args ?? []),
      ],
    }),
    isReady: (directory, port, pid) => isReady(dataDirectory(directory), port, pid),
  })
}

function dataDirectory(directory: string): string {
  return join(directory, 'data')
}

/** Numeric id of the user (`-u`) or group (`-g`) mysql, which the packages create. */
async function userId(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await run('id', [flag, 'mysql'])
  return Number(stdout)
}

async function createMariaDbTables(binary: string, data: string, asUser: readonly string[]): Promise<void> {
  const installer = findBinary('mariadb-install-db', 'mysql_install_db')
  if (installer === undefined) {
    throw new TestServerUnavailable(`private mariadb: ${binary} is there, mariadb-install-db is not`)
  }
  // Not below /usr (a tarball in a home directory): the installer then has to be told where its files are.
  const base = dirname(dirname(installer))
  const args = [
    '--no-defaults',
    ...(base === '/usr' ? [] : [`--basedir=${base}`]),
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
    ...asUser,
  ]
  await createTables(installer, args, data)
}

/** Runs the program that writes the system tables; what it says is in the error when it fails. */
async function createTables(program: string, args: readonly string[], data: string): Promise<void> {
  try {
    // It also writes temporary files, as the user the server runs as, who may not be allowed to in our TMPDIR.
    await run(program, args, { timeout: prepareWithinMs, env: { ...process.env, TMPDIR: data } })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const said = `${stdout}\n${stderr}`.trim().slice(-saidCharsMax)
    throw new TestServerUnavailable(`private mariadb: ${program} failed\n${said}`, { cause: error })
  }
}

/** The server greets, and its pid file, which it writes once it holds the port, names this process. */
async function isReady(data: string, port: number, pid: number): Promise<boolean> {
  try {
    if (Number(readFileSync(join(data, 'server.pid'), 'utf8')) !== pid) return false
  } catch {
    return false
  }
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const answer = (isGreeted: boolean) => {
      socket.destroy()
      resolve(isGreeted)
    }
    socket.setTimeout(greetingWithinMs, () => {
      answer(false)
    })
    socket.once('error', () => {
      answer(false)
    })
    // Protocol version 10 follows the four bytes of the packet header.
    socket.once('data', (greeting) => {
      answer(greeting[4] === 10)
    })
  })
}
