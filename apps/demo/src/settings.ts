import { resolve } from 'node:path'
import { InvalidConfig } from '@se/core'

/** What the environment says about where the data is. */
export interface Settings {
  /** MySQL or MariaDB; `undefined`: SQLite. */
  readonly sqlUrl: string | undefined
  /** `undefined`: a private Redis where there is a redis-server. */
  readonly redisUrl: string | undefined
  /** Before every Redis key; `undefined`: chosen by where the archive is. */
  readonly redisPrefix: string | undefined
  /** Absolute path where everything is kept; `undefined`: temporary, and removed at the end. */
  readonly dataDirectory: string | undefined
}

/**
 * @param environment SE_SQL_URL, SE_REDIS_URL, SE_REDIS_PREFIX, SE_DATA_DIR; empty is unset. INIT_CWD is the folder the
 *   user typed the command in
 * @throws InvalidConfig naming the variable, never its value: it may hold a password [P49]
 */
export function parseSettings(environment: NodeJS.ProcessEnv, workingDirectory: string): Settings {
  const unknown = Object.keys(environment).find((name) => name.startsWith('SE_') && !isKnown(name))
  if (unknown !== undefined) {
    throw new InvalidConfig(unknown, `is not a variable of this program; there are ${VARIABLES.join(', ')}`)
  }
  const { SE_SQL_URL, SE_REDIS_URL, SE_REDIS_PREFIX, SE_DATA_DIR } = environment
  return {
    sqlUrl: url('SE_SQL_URL', SE_SQL_URL, ['mysql', 'mariadb']),
    redisUrl: url('SE_REDIS_URL', SE_REDIS_URL, ['redis', 'rediss']),
    redisPrefix: SE_REDIS_PREFIX || undefined,
    dataDirectory: SE_DATA_DIR ? userPath(SE_DATA_DIR, environment, workingDirectory) : undefined,
  }
}

const VARIABLES = ['SE_SQL_URL', 'SE_REDIS_URL', 'SE_REDIS_PREFIX', 'SE_DATA_DIR']

/** Those of the tests are nobody's business here. */
function isKnown(name: string): boolean {
  return VARIABLES.includes(name) || /^SE_(TEST_|SEED$|REQUIRE_|NO_|HISTORY$)/.test(name)
}

/** A path as the user meant it: npm runs scripts in the workspace's folder, not in theirs. */
export function userPath(path: string, environment: NodeJS.ProcessEnv, workingDirectory: string): string {
  return resolve(environment['INIT_CWD'] || workingDirectory, path)
}

/** `host:port/path` of a url: what may be shown of it. */
export function describeUrl(text: string): string {
  const { host, pathname } = new URL(text)
  return `${host}${pathname === '/' ? '' : pathname}`
}

/** Text in which nothing of the urls is left but what {@link describeUrl} shows. For errors of others' making. */
export function withoutCredentials(text: string, settings: Settings): string {
  let shown = text
  for (const given of [settings.sqlUrl, settings.redisUrl]) {
    if (given === undefined) continue
    const { password } = new URL(given)
    shown = shown.replaceAll(given, describeUrl(given))
    for (const secret of [password, decodeURIComponentOrNothing(password)]) {
      if (secret !== '') shown = shown.replaceAll(secret, '***')
    }
  }
  return shown
}

function decodeURIComponentOrNothing(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function url(name: string, text: string | undefined, protocols: readonly string[]): string | undefined {
  if (!text) return undefined
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !protocols.includes(parsed.protocol.slice(0, -1)) || parsed.hostname === '') {
    throw new InvalidConfig(
      name,
      `must be a url that begins with ${protocols.map((one) => `${one}://`).join(' or ')}`,
    )
  }
  return text
}
