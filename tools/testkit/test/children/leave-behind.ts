// Creates a database and a key on shared servers and waits to be killed before it can drop them.
import { Redis } from 'ioredis'
import { uniqueDatabase, uniquePrefix } from '@se/testkit/services'

const database = await uniqueDatabase(process.env['SE_TEST_SQL_URL'] ?? '')
const redis = new Redis(process.env['SE_TEST_REDIS_URL'] ?? '')
const key = `${uniquePrefix()}left`
await redis.set(key, 'behind')
console.log(`left ${JSON.stringify({ name: database.name, key })}`)
