import path from 'node:path'
import { checkUrl } from './url.ts'
import {
  checkVariables,
  readVariable,
  TIER_VARIABLES,
  type Environment,
  type VariableTable,
} from './variables.ts'

/** What the environment says about where the tiers are. It holds credentials: show urls by `describeUrl` only. */
export interface Settings {
  /** SE_DATA_DIR, as an absolute path. Unset: the app chooses. */
  readonly dataDirectory: string | undefined
  /** SE_SQL_URL: `mysql://…` or `mariadb://…`. Unset: SQLite in the data directory. */
  readonly sqlUrl: string | undefined
  /** SE_REDIS_URL: `redis://…` or `rediss://…`. Unset: the app chooses; none, mostly. */
  readonly redisUrl: string | undefined
  /** SE_REDIS_PREFIX: before every key. All processes of one archive use the same. Unset: that of `@se/tiers-redis`. */
  readonly redisPrefix: string | undefined
}

/**
 * Reads and checks the variables of the tiers. Empty is unset.
 *
 * @param workingDirectory absolute; what a relative SE_DATA_DIR means where npm does not say more (see {@link userPath})
 * @param known every variable of the program: those of the tiers, and its own
 * @throws InvalidConfig naming a wrong or unknown variable, never its value: it may hold a password [P49]
 */
export function readSettings(
  environment: Environment,
  workingDirectory: string,
  known: VariableTable = TIER_VARIABLES,
): Settings {
  checkVariables(environment, known)
  const read = (name: keyof typeof TIER_VARIABLES) => readVariable(environment, name)
  const dataDirectory = read('SE_DATA_DIR')
  return Object.freeze({
    dataDirectory:
      dataDirectory === undefined ? undefined : userPath(dataDirectory, environment, workingDirectory),
    sqlUrl: checkUrl('SE_SQL_URL', read('SE_SQL_URL'), ['mysql', 'mariadb']),
    redisUrl: checkUrl('SE_REDIS_URL', read('SE_REDIS_URL'), ['redis', 'rediss']),
    redisPrefix: read('SE_REDIS_PREFIX'),
  })
}

/** A path as the user meant it: npm runs scripts in the workspace's folder, INIT_CWD is the folder the command was typed in. */
export function userPath(given: string, environment: Environment, workingDirectory: string): string {
  return path.resolve(readVariable(environment, 'INIT_CWD') ?? workingDirectory, given)
}
