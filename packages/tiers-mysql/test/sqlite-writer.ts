/**
 * A process that opens an SQLite archive which others have open too, claims an instance and writes.
 *
 *   node sqlite-writer.ts FILE BATCHES
 *
 * Prints one line of JSON: `{ birthId, instance, won, retries }`.
 */
import { createBranchSet, stampTimeOf } from '@se/core'
import { linkOf } from '@se/core/testing'
import { sqliteArchive } from '../src/sqlite/index.ts'

const [, , file = '', batches = '1'] = process.argv
let retries = 0
const archive = sqliteArchive({ file, exclusive: false, attemptsMax: 200, onRetry: () => (retries += 1) })
const { birthId } = await archive.open({ branches: createBranchSet(), digests: 'unkeyed' })
const nonce = process.pid.toString(16).padStart(32, '0')
const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
const { instance } = claim
const time = stampTimeOf(Date.now() - 60_000)
let won = 0
for (let sequence = 1; sequence <= Number(batches); sequence++) {
  const writes = Array.from({ length: 20 }, (_, index) => ({
    id: `${instance}.${sequence}.${index}`,
    stamp: { time: time + sequence, instance },
    state: 'default',
    contentType: '',
    bytes: Uint8Array.of(index),
  }))
  const { outcomes } = await archive.putBatch({ claim, sequence, link: linkOf(instance, sequence), writes })
  won += outcomes.filter(({ kind }) => kind === 'won').length
}
await archive.close()
console.log(JSON.stringify({ birthId, instance, won, retries }))
