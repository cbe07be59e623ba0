/** Run by private-redis.test.ts: starts a Redis of its own, writes a key, says where, and waits to be killed. */
import { Redis } from 'ioredis'
import { startPrivateRedis } from '../src/private-redis.ts'

const [, , binary, directory] = process.argv
const { url } = await startPrivateRedis(binary!, directory!)
const client = new Redis(url)
await client.set('key', 'value')
console.log(`written at ${url}`)
setInterval(() => {}, 1_000)
