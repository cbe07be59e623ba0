#!/usr/bin/env node
/** Takes no lock and changes nothing, so it may be used on a log that is open. */
import { watch } from 'node:fs'
import { StorageError } from '@se/core'
import { nodeFileSystem, readCommandLine, WrongCommandLine, type Program } from '@se/core/node'
import { LogFollower } from './follow.ts'
import { EXIT, inspect, verify } from './inspect.ts'
import type { LogRecord } from './replay.ts'

const program = {
  name: 'se-wal',
  summary: `inspect says what is in the log: segments, records, who has it open. verify reads and checks everything; exit 0 whole, 1
damaged. tail prints the records, then the ones that come, until interrupted. The log may be open in a process meanwhile.`,
  forms: ['inspect DIR', 'verify DIR', 'tail DIR [--from SEQUENCE] [--once]'],
  options: {
    from: {
      type: 'integer',
      value: 'SEQUENCE',
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      meaning: 'tail: the first record to print; default: the oldest there is.',
    },
    once: { type: 'flag', meaning: 'tail: ends with the last record there is.' },
  },
  words: [{ name: 'COMMAND', oneOf: ['inspect', 'verify', 'tail'] }, { name: 'DIR' }],
  usageExitCode: EXIT.usage,
} as const satisfies Program
/** Characters of a payload that `tail` shows. */
const PREVIEW_CHARS = 120
/** A change that the operating system does not report is seen after this time, ms. */
const POLL_MS = 1000

const { command, directory, from, isOnce } = readCommandLine(
  program,
  new URL('../package.json', import.meta.url),
  ({ words, values }) => {
    const [command, directory] = words as [string, string]
    if (command !== 'tail' && (values.from !== undefined || values.once)) {
      throw new WrongCommandLine(`--${values.once ? 'once' : 'from'}: is for tail, not for ${command}`)
    }
    return { command, directory, from: values.from ?? 1, isOnce: values.once }
  },
)
process.exitCode = await main().catch((error: unknown) => {
  const code = (error as { code?: unknown }).code
  const said = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${typeof code === 'string' ? `${code}: ` : ''}${said}\n`)
  return error instanceof StorageError ? EXIT.damaged : EXIT.usage
})

async function main(): Promise<number> {
  if (command === 'tail') return tail()
  const { lines, exitCode } = await (command === 'inspect' ? inspect(directory) : verify(directory))
  process.stdout.write(`${lines.join('\n')}\n`)
  return exitCode
}

async function tail(): Promise<number> {
  const follower = new LogFollower(directory, nodeFileSystem)
  for (;;) {
    for (const record of await follower.readNew(from)) process.stdout.write(`${describe(record)}\n`)
    if (isOnce) return EXIT.whole
    await nextChange()
  }
}

/** Resolves when something has changed in the directory, or after {@link POLL_MS}. */
function nextChange(): Promise<void> {
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
