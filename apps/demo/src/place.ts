import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeUrl, logDirectoryOf, sqliteFileOf, type Settings, type TierSettings } from '@se/compose'
import { PREFIX_DEFAULT } from '@se/tiers-redis'
import { Redis } from 'ioredis'
import { findRedisServer, startPrivateRedis, type PrivateRedis } from './private-redis.ts'

/** Where the archive is. */
export type ArchivePlace =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'mysql'; readonly url: string }

/** Where the cache is, if anywhere. */
export type CachePlace =
  | { readonly kind: 'given' | 'private'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'off'; readonly because: string }

/** Everything a command works on. Made from {@link Settings}; given back by {@link Place.close}. */
export interface Place {
  /** Holds the log, and archive and Redis data where they are ours. */
  readonly directory: string
  readonly logDirectory: string
  /** The directory is removed at the end. */
  readonly isTemporary: boolean
  readonly archive: ArchivePlace
  readonly cache: CachePlace
  /** What an engine is wired from: the same archive and cache. */
  readonly tiers: TierSettings
  /** A plain client of the cache's Redis, for looking and planting. @throws Error when there is no cache */
  connectRedis(): Promise<Redis>
  /**
   * Ends the private Redis and removes what is temporary.
   *
   * @param isLogEmpty false: the log holds items the archive has not got, and is kept wherever it is
   * @returns what was done, in lines for people
   */
  close(isLogEmpty: boolean): Promise<string[]>
}

/** @throws RedisDirectoryInUse, or an error of the file system */
export async function openPlace(settings: Settings): Promise<Place> {
  const { dataDirectory, sqlUrl } = settings
  const isTemporary = dataDirectory === undefined
  if (dataDirectory !== undefined) await mkdir(dataDirectory, { recursive: true })
  // Redis gives the real path as its directory, by which its server is known again.
  const directory = await realpath(dataDirectory ?? (await mkdtemp(join(tmpdir(), 'se-demo-'))))
  const archive: ArchivePlace =
    sqlUrl === undefined ? { kind: 'sqlite', file: sqliteFileOf(directory) } : { kind: 'mysql', url: sqlUrl }
  const isAllTemporary = isTemporary && archive.kind === 'sqlite'
  const removeAtExit = () => rmSync(directory, { recursive: true, force: true })
  // With an archive that stays, an interrupted run leaves its log: it may hold what the archive has not got.
  if (isAllTemporary) process.once('exit', removeAtExit)
  const { cache, server } = await openCache(settings, directory, isAllTemporary).catch(
    async (error: unknown) => {
      if (isTemporary) await rm(directory, { recursive: true, force: true })
      throw error
    },
  )

  return {
    directory,
    logDirectory: logDirectoryOf(directory),
    isTemporary,
    archive,
    cache,
    connectRedis: () => connectTo(cache),
    tiers: {
      dataDirectory: directory,
      sqlUrl,
      redisUrl: cache.kind === 'off' ? undefined : cache.url,
      redisPrefix: cache.kind === 'off' ? undefined : cache.prefix,
    },
    async close(isLogEmpty) {
      const done: string[] = []
      // Only under the prefix this run made up: under a given one there may be keys of others.
      if (isAllTemporary && cache.kind === 'given' && settings.redisPrefix === undefined) {
        done.push(
          await removeKeys(cache).then(
            (count) => `removed ${count} keys of this run from Redis`,
            (error: Error) => `the keys of this run could not be removed from Redis: ${error.message}`,
          ),
        )
      }
      if (server !== undefined) {
        await server.stop()
        done.push('ended the private Redis')
      }
      process.removeListener('exit', removeAtExit)
      if (!isTemporary) {
        done.push(`kept ${directory}`)
      } else if (isLogEmpty) {
        await rm(directory, { recursive: true, force: true })
        done.push(`removed ${directory}`)
      } else {
        done.push(
          `kept ${directory}: its log holds items that the archive has not got (SE_DATA_DIR takes them up again)`,
        )
      }
      return done
    },
  }
}

async function openCache(
  settings: Settings,
  directory: string,
  isAllTemporary: boolean,
): Promise<{ cache: CachePlace; server: PrivateRedis | undefined }> {
  if (settings.redisUrl !== undefined) {
    // A temporary archive must not fight over the keys of one that stays.
    const own = isAllTemporary
      ? `${PREFIX_DEFAULT}demo-${randomBytes(4).toString('hex')}:`
      : `${PREFIX_DEFAULT}demo:`
    const cache: CachePlace = { kind: 'given', url: settings.redisUrl, prefix: settings.redisPrefix ?? own }
    return { cache, server: undefined }
  }
  const binary = await findRedisServer()
  if (binary === undefined) {
    return {
      cache: { kind: 'off', because: 'SE_REDIS_URL is not set, and there is no redis-server on PATH' },
      server: undefined,
    }
  }
  const server = await startPrivateRedis(binary, join(directory, 'redis'))
  const prefix = settings.redisPrefix ?? `${PREFIX_DEFAULT}demo:`
  return { cache: { kind: 'private', url: server.url, prefix }, server }
}

/** @throws Error when there is no cache, or it does not answer */
async function connectTo(cache: CachePlace): Promise<Redis> {
  if (cache.kind === 'off') throw new Error(`there is no cache: ${cache.because}`)
  const client = new Redis(cache.url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
    retryStrategy: () => null,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Removes all keys under the prefix. @returns how many there were */
async function removeKeys(cache: Exclude<CachePlace, { kind: 'off' }>): Promise<number> {
  const client = await connectTo(cache)
  try {
    let removedCount = 0
    const match = `${cache.prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`
    for await (const keys of client.scanStream({ match, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) removedCount += await client.unlink(...keys)
    }
    return removedCount
  } finally {
    client.disconnect()
  }
}

/** The archive in a few words, without credentials. */
export function describeArchive(archive: ArchivePlace): string {
  return archive.kind === 'sqlite'
    ? `SQLite, ${archive.file}`
    : `MySQL or MariaDB, ${describeUrl(archive.url)}`
}

/** The cache in a few words, without credentials. */
export function describeCache(cache: CachePlace): string {
  switch (cache.kind) {
    case 'off':
      return `off: ${cache.because}`
    case 'given':
      return `Redis, ${describeUrl(cache.url)}, keys begin with ${cache.prefix}`
    case 'private':
      return `Redis of our own, ${describeUrl(cache.url)}, ended with this run; keys begin with ${cache.prefix}`
  }
}
