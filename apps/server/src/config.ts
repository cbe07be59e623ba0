import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidConfig } from '@se/core'
import { checkVariables, type VariableTable } from './command-line.ts'

/** What the server takes from its environment, checked. It holds credentials: never print it, print {@link describeConfig}. */
export interface ServerConfig {
  /** HOST. Default 127.0.0.1: the server asks nobody who they are. */
  readonly host: string
  /** PORT, 0 … 65,535; 0 takes a free one. Default 3000. */
  readonly port: number
  /** SE_DATA_DIR: log, instance, filter snapshot, and the SQLite file. Relative to where the command was typed. Default: `data` beside the source. */
  readonly dataDirectory: string
  /** SE_SQL_URL: `mysql://…` or `mariadb://…`. Unset: SQLite in the data directory. */
  readonly sqlUrl: string | undefined
  /** SE_REDIS_URL: `redis://…` or `rediss://…`. Unset: no cache. */
  readonly redisUrl: string | undefined
  /** SE_REDIS_PREFIX: before every key; default of `@se/tiers-redis`. All processes of one archive use the same. */
  readonly redisPrefix: string | undefined
  /** SE_LOG_LEVEL, of pino. Default info. */
  readonly logLevel: string
  /** SE_STOP_MS: requests still running so long after the signal to stop are cut off, ms, 0 … 600,000. Default 10,000. */
  readonly stopMs: number
}

/** Every variable that is read, for the help and to refuse others. */
export const VARIABLES: VariableTable = {
  HOST: 'where to listen; default 127.0.0.1',
  PORT: 'a port, 0 takes a free one; default 3000',
  SE_DATA_DIR: 'log, instance, filter snapshot and the SQLite file; default apps/server/data',
  SE_SQL_URL: 'mysql://… or mariadb://…: the archive; default SQLite in the data directory',
  SE_REDIS_URL: 'redis://… or rediss://…: the cache; default none',
  SE_REDIS_PREFIX: 'before every key in Redis',
  SE_STOP_MS: 'requests still running so long after a signal are cut off, ms; default 10000',
  SE_LOG_LEVEL: 'of pino; default info',
}

type Environment = Readonly<Record<string, string | undefined>>

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** @throws InvalidConfig naming the variable, never its value */
export function parseServerConfig(environment: Environment): ServerConfig {
  checkVariables(environment, VARIABLES)
  // An empty variable is how many a deployment file says "unset".
  const read = (name: string) => (environment[name] === '' ? undefined : environment[name])
  const logLevel = read('SE_LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new InvalidConfig('SE_LOG_LEVEL', `must be one of ${LOG_LEVELS.join(', ')}`)
  }
  return Object.freeze({
    host: read('HOST') ?? '127.0.0.1',
    port: integer('PORT', read('PORT'), { default: 3_000, max: 65_535 }),
    dataDirectory: path.resolve(
      read('INIT_CWD') ?? process.cwd(),
      read('SE_DATA_DIR') ?? fileURLToPath(new URL('../data', import.meta.url)),
    ),
    sqlUrl: url('SE_SQL_URL', read('SE_SQL_URL'), ['mysql:', 'mariadb:']),
    redisUrl: url('SE_REDIS_URL', read('SE_REDIS_URL'), ['redis:', 'rediss:']),
    redisPrefix: read('SE_REDIS_PREFIX'),
    logLevel,
    stopMs: integer('SE_STOP_MS', read('SE_STOP_MS'), { default: 10_000, max: 600_000 }),
  })
}

/** The configuration as it may be logged: where things are, without user, password or query [P49]. */
export function describeConfig(config: ServerConfig): Readonly<Record<string, string>> {
  return {
    archive: config.sqlUrl === undefined ? 'sqlite' : withoutCredentials(config.sqlUrl),
    cache: config.redisUrl === undefined ? 'none' : withoutCredentials(config.redisUrl),
    dataDirectory: config.dataDirectory,
  }
}

function withoutCredentials(text: string): string {
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

function integer(name: string, text: string | undefined, limits: { default: number; max: number }): number {
  if (text === undefined) return limits.default
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= limits.max)) throw new InvalidConfig(name, `must be an integer from 0 to ${limits.max}`)
  return value
}

function url(name: string, text: string | undefined, protocols: readonly string[]): string | undefined {
  if (text === undefined) return undefined
  // Not `new URL`: the error it throws carries the text, and with it the password.
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !protocols.includes(parsed.protocol) || parsed.hostname === '') {
    throw new InvalidConfig(name, `must be a url that begins with ${protocols.join('// or ')}//`)
  }
  return text
}
