// Prints `acknowledged 0`, `acknowledged 1` … as fast as it can; echoes what it is sent.
import { setImmediate } from 'node:timers/promises'

process.stdin.setEncoding('utf8')
process.stdin.on('data', (text) => {
  console.log(`heard ${String(text).trim()}`)
})
if (process.argv[2] === 'fail') {
  console.error('failed on demand')
  process.exit(3)
}
for (let count = 0; ; count++) {
  process.stdout.write(`acknowledged ${count}\n`)
  await setImmediate()
}
