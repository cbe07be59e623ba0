/**
 * A child of the tests about the lock: opens the log of the directory given and does what it is told on standard input.
 *
 *   open | refused CODE      what became of opening
 *   acknowledged SEQUENCE    after a line "append"
 *   failed CODE
 *   records COUNT            after a line "replay"
 *   rival: LINE              after a line "rival": what another one says that is started beside it
 */
import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { StorageError } from '@se/core'
import { openLog } from '../src/index.ts'

const codeOf = (error: unknown): string => (error as StorageError).code

const log = await openLog({ directory: process.argv[2]!, limits: { segmentBytes: 4096 } }).catch(
  (error: unknown) => {
    console.log(`refused ${codeOf(error)}`)
    process.exit()
  },
)
console.log('open')
for await (const line of createInterface({ input: process.stdin })) {
  try {
    if (line === 'append') console.log(`acknowledged ${await log.append(new Uint8Array(1500))}`)
    if (line === 'replay') {
      let count = 0
      for await (const _ of log.replay()) count++
      console.log(`records ${count}`)
    }
    if (line === 'rival') {
      const args = ['--conditions=@se/source', ...process.argv.slice(1)]
      console.log(`rival: ${spawnSync(process.execPath, args, { input: '' }).stdout.toString().trim()}`)
    }
  } catch (error) {
    console.log(`failed ${codeOf(error)}`)
  }
}
await log.close().catch(() => {})
