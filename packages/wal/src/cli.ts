#!/usr/bin/env node
/**
 * se-wal inspect DIR    what is in the log: segments, records, who has it open
 * se-wal verify DIR     reads and checks everything; exit 0 whole, 1 damaged
 * se-wal tail DIR       prints the records, then the ones that come, until interrupted
 *
 * Takes no lock and changes nothing, so it may be used on a log that is open.
 */
import { watch } from 'node:fs'
import { parseArgs } from 'node:util'
import { StorageError } from '@se/core'
import { nodeFileSystem } from '@se/core/node'
import { LogFollower } from './follow.ts'
import { EXIT, inspect, verify } from './inspect.ts'
import type { LogRecord } from './replay.ts'

const USAGE = `usage: se-wal inspect DIR
       se-wal verify DIR
       se-wal tail DIR [--from SEQUENCE] [--once]
`
/** Characters of a payload that `tail` shows. */
const PREVIEW_CHARS = 120
/** A change that the operating system does not report is seen after this, ms. */
const POLL_MS = 1000

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const code = (error as { code?: unknown }).code
  const said = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${typeof code === 'string' ? `${code}: ` : ''}${said}\n`)
  return error instanceof StorageError ? EXIT.damaged : EXIT.usage
})

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { from: { type: 'string', default: '1' }, once: { type: 'boolean', default: false } },
  })
  const [command, directory, ...rest] = positionals
  const from = Number(values.from)
  const isKnown = command === 'inspect' || command === 'verify' || command === 'tail'
  if (!isKnown || directory === undefined || rest.length > 0 || !Number.isSafeInteger(from) || from < 1) {
    process.stderr.write(USAGE)
    return EXIT.usage
  }
  if (command === 'tail') return tail(directory, from, values.once)
  const { lines, exitCode } = await (command === 'inspect' ? inspect(directory) : verify(directory))
  process.stdout.write(`${lines.join('\n')}\n`)
  return exitCode
}

async function tail(directory: string, from: number, isOnce: boolean): Promise<number> {
  const follower = new LogFollower(directory, nodeFileSystem)
  for (;;) {
    for (const record of await follower.readNew(from)) process.stdout.write(`${describe(record)}\n`)
    if (isOnce) return EXIT.whole
    await changeIn(directory)
  }
}

function changeIn(directory: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory)
    const timer = setTimeout(done, POLL_MS)
    function done() {
      clearTimeout(timer)
      watcher.close()
      resolve()
    }
    watcher.once('change', done)
    watcher.once('error', done)
  })
}

/** Sequence, length and the payload: as text if it is printable, else in hex. */
function describe({ sequence, bytes }: LogRecord): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const isPrintable = /^[^\p{Cc}\ufffd]*$/u.test(text)
  const shown = isPrintable ? text : Buffer.from(bytes).toString('hex')
  const cut = shown.length > PREVIEW_CHARS ? `${shown.slice(0, PREVIEW_CHARS)}…` : shown
  return `${sequence}\t${bytes.length}\t${cut}`
}
