// Starts servers of its own, says which, and then does as told on standard input: `exit`, `throw`, or nothing.
import { startPrivateMariaDb, startPrivateRedis } from '@se/testkit/services'
import { createInterface } from 'node:readline'

const servers = process.argv.includes('--redis-only')
  ? [await startPrivateRedis()]
  : await Promise.all([startPrivateRedis(), startPrivateMariaDb()])
for (const { pid, directory } of servers) console.log(`server ${JSON.stringify({ pid, directory })}`)
console.log('ready')

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'exit') process.exit(0)
  if (line === 'throw') throw new Error('thrown on demand')
}
