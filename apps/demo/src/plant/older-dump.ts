import type { Redis } from 'ioredis'

/** Some keys as they were at one moment, in Redis' own dump format. */
export type OlderDump = ReadonlyMap<string, Buffer>

/**
 * Takes a dump of the keys in one step.
 *
 * @throws Error when one of them is not there
 */
export async function dumpKeys(client: Redis, keys: readonly string[]): Promise<OlderDump> {
  const transaction = client.multi()
  for (const key of keys) transaction.dumpBuffer(key)
  const answers = (await transaction.exec()) ?? []
  const dump = new Map<string, Buffer>()
  for (const [index, key] of keys.entries()) {
    const [error, bytes] = answers[index] ?? [new Error('no answer'), undefined]
    if (error !== null) throw error
    if (!Buffer.isBuffer(bytes)) throw new Error(`${key} is not in Redis`)
    dump.set(key, bytes)
  }
  return dump
}

/** Sets the keys back to the dump, in one step. */
export async function restoreKeys(client: Redis, dump: OlderDump): Promise<void> {
  const transaction = client.multi()
  for (const [key, bytes] of dump) transaction.restore(key, 0, bytes, 'REPLACE')
  for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error
}
