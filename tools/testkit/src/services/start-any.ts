import { installDebianPackages, whyNotInstallable } from './debian-install.ts'
import { startContainer, whyNoDocker } from './docker.ts'
import { findGaleraProvider } from './galera.ts'
import { startPrivateMariaDb } from './mariadb.ts'
import { findSqlServer } from './mariadb-data.ts'
import { findRedisServer, startPrivateRedis } from './redis.ts'
import type { RunningServer, ServerKind } from './running-server.ts'

/** What tests ask for: a server, or that clusters of their own can be started. */
export type TestKind = ServerKind | 'galera'

/** Installs what is missing; undefined when that worked, else why not. */
export type Installer = () => Promise<string | undefined>

const PROGRAMS: Readonly<
  Record<TestKind, { readonly debianPackages: readonly string[]; find(): string | undefined }>
> = {
  sql: { debianPackages: ['mariadb-server'], find: findSqlServer },
  redis: { debianPackages: ['redis-server'], find: findRedisServer },
  galera: { debianPackages: ['mariadb-server', 'galera-4', 'rsync'], find: findGaleraProvider },
}

const STARTERS = { sql: startPrivateMariaDb, redis: startPrivateRedis } as const

/** An installer that installs what is missing of all these kinds in one go, once, however many ask. */
export function createInstaller(kinds: readonly TestKind[], print: (line: string) => void): Installer {
  let installing: Promise<string | undefined> | undefined
  return () => {
    const missing = kinds.filter((kind) => PROGRAMS[kind].find() === undefined)
    const packages = new Set(missing.flatMap((kind) => PROGRAMS[kind].debianPackages))
    installing ??= installDebianPackages([...packages], print)
    return installing
  }
}

/**
 * Finds what a server or cluster is started from, installing it if need be and allowed.
 *
 * @returns its path, or the reasons why there is none
 */
export async function findOrInstall(
  kind: TestKind,
  install: Installer,
): Promise<string | { readonly skipped: string }> {
  const { find } = PROGRAMS[kind]
  const found = find()
  if (found !== undefined) return found
  const what = kind === 'galera' ? 'no Galera cluster programs' : `no ${kind} server program`
  const failure = whyNotInstallable() ?? (await install())
  return find() ?? { skipped: [`${what} on this machine`, failure].filter(Boolean).join('; ') }
}

/**
 * Starts a server by the first means that works: a program of this machine; the program after installing it; a container.
 *
 * @returns the server, or all the reasons why there is none
 */
export async function startAny(
  kind: ServerKind,
  install: Installer,
  options: { readonly isDetached: boolean },
): Promise<RunningServer | { readonly skipped: string }> {
  const reasons: string[] = []
  const found = await findOrInstall(kind, install)
  if (typeof found === 'string') {
    try {
      const server = await STARTERS[kind](options)
      return { url: server.url, where: { directory: server.directory }, stop: () => server.stop() }
    } catch (error) {
      reasons.push(messageOf(error))
    }
  } else {
    reasons.push(found.skipped)
  }
  const noDocker = await whyNoDocker()
  if (noDocker === undefined) {
    try {
      return await startContainer(kind, options)
    } catch (error) {
      reasons.push(messageOf(error))
    }
  } else {
    reasons.push(noDocker)
  }
  return { skipped: reasons.join('; ') }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
