// Starts a Galera cluster, and has a node that lost its data given all of them.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startPrivateGalera } from '@se/testkit/services'

const cluster = await startPrivateGalera()
console.log(`formed by user ${String(process.getuid?.())}`)
const node = cluster.nodes[2]
if (node === undefined) throw new Error('a cluster of three has a third node')
await node.kill()
const data = join(node.directory, 'data')
for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true })
await node.restart()
await cluster.waitUntilSynced()
console.log('given all data')
await cluster.stop()
console.log('ended')
