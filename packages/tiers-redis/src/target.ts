import { InvalidConfig } from '@se/core'

/** A standalone server, as ioredis takes it. */
export interface Server extends Credentials, NodeAddress {
  readonly db: number
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

/** What is the same for all nodes. */
interface Credentials {
  readonly username?: string
  readonly password?: string
  readonly tls?: object
}

export interface ClusterTarget {
  readonly nodes: readonly NodeAddress[]
  readonly credentials: Credentials
}

const PORT_DEFAULT = 6379

/** @throws InvalidConfig naming the field; the url is never printed, it may hold a password */
export function parseServer(field: string, text: string): Server {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new InvalidConfig(
      field,
      'must be of the form redis://[user:password@]host[:port][/database], special characters percent-encoded',
    )
  }
  if (!/^\/?\d{0,4}$/.test(url.pathname))
    throw new InvalidConfig(field, 'names a database that is not a number')
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidConfig(field, 'has something behind ? or #, which nobody would read')
  }
  const [username, password] = [url.username, url.password].map((part) => decoded(field, part))
  return {
    // The URL keeps the brackets of an IPv6 address, which are not part of it.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? PORT_DEFAULT : Number(url.port),
    db: Number(url.pathname.slice(1)),
    ...(username === '' ? {} : { username: username! }),
    ...(password === '' ? {} : { password: password! }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}

/** @throws InvalidConfig naming the node */
export function parseNodes(texts: readonly string[]): ClusterTarget {
  if (texts.length === 0) throw new InvalidConfig('nodes', 'must name at least one node')
  const servers = texts.map((text, index) => parseServer(`nodes[${index}]`, text))
  const credentials = credentialsOf(servers.find(hasCredentials) ?? servers[0]!)
  servers.forEach((server, index) => {
    const field = `nodes[${index}]`
    if (server.db !== 0) throw new InvalidConfig(field, 'must name no database: a Cluster has one')
    if ((server.tls === undefined) !== (credentials.tls === undefined)) {
      throw new InvalidConfig(field, 'must be redis: or rediss: as the others')
    }
    if (!hasCredentials(server)) return
    if (server.username !== credentials.username || server.password !== credentials.password) {
      throw new InvalidConfig(field, 'must have the same user and password as the others')
    }
  })
  return { nodes: servers.map(({ host, port }) => ({ host, port })), credentials }
}

function hasCredentials({ username, password }: Server): boolean {
  return username !== undefined || password !== undefined
}

function credentialsOf({ username, password, tls }: Server): Credentials {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  }
}

function decoded(field: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new InvalidConfig(field, 'has a % that begins no escape')
  }
}
