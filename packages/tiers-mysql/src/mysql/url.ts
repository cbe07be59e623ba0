import { InvalidConfig } from '@se/core'
import type { PoolOptions } from 'mysql2'

const DEFAULT_PORT = 3306
/** Names of MySQL databases have at most this many characters. */
const DATABASE_CHARS_MAX = 64

/**
 * Reads `mysql://user:password@host:port/database`. User and password are percent-encoded where they must be.
 *
 * No message here repeats any of it: the url holds the password [P49].
 *
 * @throws InvalidConfig naming `archive.url`
 */
export function parseMysqlUrl(text: string): PoolOptions {
  const field = 'archive.url'
  if (!URL.canParse(text))
    throw new InvalidConfig(field, 'is not a url of the form mysql://user:password@host:port/database')
  const url = new URL(text)
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') {
    throw new InvalidConfig(field, 'must begin with mysql:// or mariadb://')
  }
  if (url.hostname === '') throw new InvalidConfig(field, 'names no host')
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidConfig(field, 'takes no parameters; they are fields of the options')
  }
  const database = decode(field, url.pathname.slice(1))
  if (database === '' || database.includes('/') || database.length > DATABASE_CHARS_MAX) {
    throw new InvalidConfig(field, `names no database of 1 to ${DATABASE_CHARS_MAX} characters`)
  }
  return {
    // IPv6 addresses stand in brackets in a url.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decode(field, url.username),
    password: decode(field, url.password),
    database,
  }
}

function decode(field: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new InvalidConfig(field, 'has a % that begins no escape')
  }
}
