import { installDebianPackages, whyNotInstallable } from './debian-install.ts'
import { startContainer, whyNoDocker } from './docker.ts'
import { findSqlServer, startPrivateMariaDb } from './mariadb.ts'
import { findRedisServer, startPrivateRedis } from './redis.ts'

export type ServerKind = 'sql' | 'redis'

/** A server that answers, by whatever means it was started. */
export interface RunningServer {
  readonly url: string
  /** Where to find it again from another process. */
  readonly where: { readonly directory: string } | { readonly container: string }
  stop(): Promise<void>
}

/** Installs what is missing; undefined when that worked, else why not. */
export type Installer = () => Promise<string | undefined>

const programs = {
  sql: { debianPackage: 'mariadb-server', find: findSqlServer, start: startPrivateMariaDb },
  redis: { debianPackage: 'redis-server', find: findRedisServer, start: startPrivateRedis },
} as const

/** An installer that installs what is missing of all these kinds in one go, once, however many ask. */
export function createInstaller(kinds: readonly ServerKind[], print: (line: string) => void): Installer {
  let installing: Promise<string | undefined> | undefined
  return () => {
    const missing = kinds.filter((kind) => programs[kind].find() === undefined)
    installing ??= installDebianPackages(
      missing.map((kind) => programs[kind].debianPackage),
      print,
    )
    return installing
  }
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
  const { find, start } = programs[kind]
  const reasons: string[] = []
  if (find() === undefined) {
    reasons.push(`no ${kind} server program on this machine`)
    const failure = whyNotInstallable() ?? (await install())
    if (failure !== undefined) reasons.push(failure)
  }
  if (find() !== undefined) {
    try {
      const server = await start(options)
      return { url: server.url, where: { directory: server.directory }, stop: () => server.stop() }
    } catch (error) {
      reasons.push(messageOf(error))
    }
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
