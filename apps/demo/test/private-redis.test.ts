import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startKillableProcess } from '@se/testkit/process-killer'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { findRedisServer, startPrivateRedis } from '../src/private-redis.ts'
import { withDirectory } from './run-demo.ts'

const OWNER = fileURLToPath(new URL('./redis-owner.ts', import.meta.url))
const binary = await findRedisServer()

describe.skipIf(binary === undefined)('the private Redis (needs redis-server on PATH)', () => {
  it('ends with its owner, also when that is killed, and its data is there for the next one', async () => {
    await withDirectory(async (directory) => {
      const owner = startKillableProcess({ file: OWNER, args: [binary!, directory] })
      const [, oldUrl] = /written at (.*)$/.exec(await owner.waitForLine('written at'))!
      await owner.kill()

      // Waits until the server of the dead owner has gone.
      const next = await startPrivateRedis(binary!, directory)
      try {
        expect(await ask(oldUrl!, 'key')).toBe('no answer')
        expect(await ask(next.url, 'key')).toBe('value')
      } finally {
        await next.stop()
      }
      expect(await ask(next.url, 'key')).toBe('no answer')
      expect(await readdir(directory)).toEqual(['appendonlydir'])
    })
  })

  it('says what kept a server from starting', async () => {
    await withDirectory(async (directory) => {
      await expect(startPrivateRedis('/bin/false', directory)).rejects.toThrow(/redis-server does not start/)
    })
  })
})

async function ask(url: string, key: string): Promise<string | null> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.get(key)
  } catch {
    return 'no answer'
  } finally {
    client.disconnect()
  }
}
