import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { TestServerUnavailable } from '../errors.ts'
import { findBinary } from './find-binary.ts'

const run = promisify(execFile)
const PREPARE_WITHIN_MS = 120_000
const GREETING_WITHIN_MS = 1_000
const SAID_CHARS_MAX = 2_000
/** Given to the installer too: it would otherwise write a log of 96 MiB, which the server then throws away. */
const REDO_LOG = '--innodb-log-file-size=32M'

/** The program of a SQL server, and which of the two it is. */
export interface SqlProgram {
  readonly binary: string
  readonly isMariaDb: boolean
}

/** The SQL server on this machine: MariaDB by preference, else MySQL's mysqld. */
export function findSqlServer(): string | undefined {
  return findBinary('mariadbd', 'mysqld')
}

/** @throws TestServerUnavailable when there is none on this machine */
export async function sqlProgram(): Promise<SqlProgram> {
  const binary = findSqlServer()
  if (binary === undefined)
    throw new TestServerUnavailable('private mariadb: no mariadbd or mysqld on PATH or in /usr/sbin')
  const { stdout: version } = await run(binary, ['--no-defaults', '--version'])
  return { binary, isMariaDb: /mariadb/i.test(version) }
}

export function dataDirectory(directory: string): string {
  return join(directory, 'data')
}

/** The server refuses to run as root; the packages create a user for it. */
function asUser(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=mysql'] : []
}

/** Creates `data` in a private directory, with the system tables; the user is root, without a password. */
export async function createData({ binary, isMariaDb }: SqlProgram, directory: string): Promise<void> {
  const data = dataDirectory(directory)
  mkdirSync(data)
  await giveToServer(data)
  if (isMariaDb) await createMariaDbTables(binary, data)
  else
    await createTables(
      binary,
      ['--no-defaults', '--initialize-insecure', `--datadir=${data}`, ...asUser()],
      data,
    )
}

/** Hands a file or directory to the user the server runs as. */
export async function giveToServer(path: string): Promise<void> {
  if (asUser().length > 0) chownSync(path, await mysqlId('-u'), await mysqlId('-g'))
}

/**
 * What every private server is started with. Commits are as durable as in production; only sizes are small, and what
 * tests never look at is off.
 */
export function serverArguments({ isMariaDb }: SqlProgram, directory: string, port: number): string[] {
  return [
    '--no-defaults',
    ...asUser(),
    `--datadir=${dataDirectory(directory)}`,
    `--tmpdir=${dataDirectory(directory)}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    // Relative to the data directory: an absolute path may exceed what a socket address holds (108 bytes).
    '--socket=server.sock',
    '--pid-file=server.pid',
    '--skip-name-resolve',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=64M',
    '--performance-schema=OFF',
    ...(isMariaDb ? [REDO_LOG] : ['--mysqlx=OFF']),
  ]
}

/** Numeric id of the user (`-u`) or group (`-g`) mysql. */
async function mysqlId(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await run('id', [flag, 'mysql'])
  return Number(stdout)
}

async function createMariaDbTables(binary: string, data: string): Promise<void> {
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
    REDO_LOG,
    ...asUser(),
  ]
  await createTables(installer, args, data)
}

/** Runs the program that writes the system tables; what it says is in the error when it fails. */
async function createTables(program: string, args: readonly string[], data: string): Promise<void> {
  try {
    // It also writes temporary files, as the user the server runs as, who may not be allowed to in our TMPDIR.
    await run(program, args, { timeout: PREPARE_WITHIN_MS, env: { ...process.env, TMPDIR: data } })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const said = `${stdout}\n${stderr}`.trim().slice(-SAID_CHARS_MAX)
    throw new TestServerUnavailable(`private mariadb: ${program} failed\n${said}`, { cause: error })
  }
}

/** The server greets, and its pid file, which it writes once it holds the port, names this process. */
export async function isGreeting(directory: string, port: number, pid: number): Promise<boolean> {
  try {
    if (Number(readFileSync(join(dataDirectory(directory), 'server.pid'), 'utf8')) !== pid) return false
  } catch {
    return false
  }
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const answer = (isGreeted: boolean) => {
      socket.destroy()
      resolve(isGreeted)
    }
    socket.setTimeout(GREETING_WITHIN_MS, () => {
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
