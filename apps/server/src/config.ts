import { fileURLToPath } from 'node:url'
import {
  describeUrl,
  readSettings,
  readVariable,
  TIER_VARIABLES,
  type Environment,
  type TierSettings,
  type VariableTable,
} from '@se/compose'
import { InvalidConfig } from '@se/core'

/** What the server takes from its environment, checked. It holds credentials: never print it, print {@link describeConfig}. */
export interface ServerConfig extends TierSettings {
  /** HOST. Default 127.0.0.1: the server does not ask its clients who they are. */
  readonly host: string
  /** PORT, 0 … 65,535; 0 takes a free one. Default 3000. */
  readonly port: number
  /** SE_LOG_LEVEL, of pino. Default info. */
  readonly logLevel: string
  /** SE_STOP_MS: requests still running so long after the signal to stop are cut off, ms, 0 … 600,000. Default 10,000. */
  readonly stopMs: number
}

/** Every variable that is read, for the help and to refuse others. */
export const VARIABLES: VariableTable = {
  HOST: 'where to listen; default 127.0.0.1',
  PORT: 'a port, 0 takes a free one; default 3000',
  ...TIER_VARIABLES,
  SE_DATA_DIR: `${TIER_VARIABLES.SE_DATA_DIR}; default apps/server/data`,
  SE_REDIS_URL: `${TIER_VARIABLES.SE_REDIS_URL}; default none`,
  SE_STOP_MS: 'requests still running so long after a signal are cut off, ms; default 10000',
  SE_LOG_LEVEL: 'of pino; default info',
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** @throws InvalidConfig naming the variable, never its value */
export function parseServerConfig(environment: Environment): ServerConfig {
  const settings = readSettings(environment, process.cwd(), VARIABLES)
  const read = (name: string) => readVariable(environment, name)
  const logLevel = read('SE_LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new InvalidConfig('SE_LOG_LEVEL', `must be one of ${LOG_LEVELS.join(', ')}`)
  }
  return Object.freeze({
    ...settings,
    dataDirectory: settings.dataDirectory ?? fileURLToPath(new URL('../data', import.meta.url)),
    host: read('HOST') ?? '127.0.0.1',
    port: integer('PORT', read('PORT'), { default: 3_000, max: 65_535 }),
    logLevel,
    stopMs: integer('SE_STOP_MS', read('SE_STOP_MS'), { default: 10_000, max: 600_000 }),
  })
}

/** The configuration as it may be logged: where things are, without user, password or query [P49]. */
export function describeConfig(config: ServerConfig): Readonly<Record<string, string>> {
  return {
    archive: config.sqlUrl === undefined ? 'sqlite' : describeUrl(config.sqlUrl),
    cache: config.redisUrl === undefined ? 'none' : describeUrl(config.redisUrl),
    dataDirectory: config.dataDirectory,
  }
}

function integer(name: string, text: string | undefined, limits: { default: number; max: number }): number {
  if (text === undefined) return limits.default
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= limits.max)) throw new InvalidConfig(name, `must be an integer from 0 to ${limits.max}`)
  return value
}
