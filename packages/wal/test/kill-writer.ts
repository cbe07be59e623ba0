/**
 * The child of the kill test: 64 writers append to the log of the directory given, and say so on standard output.
 *
 *   a SEQUENCE WRITER TURN   acknowledged
 *   r THROUGH                about to be released
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openLog } from '../src/index.ts'
import { killPayload, KILL_LIMITS, WRITERS } from './kill-rounds.ts'

const directory = process.argv[2]!
const log = await openLog({ directory, limits: KILL_LIMITS, onFull: 'refuse' })

// A killed process would not save what it compiled, and most of a round is the start of the child.
flushCompileCache()

/** Returns when the parent's pipe has the line: the parent must know of a release before it happens. */
function say(line: string): void {
  for (let bytes = Buffer.from(`${line}\n`); bytes.length > 0;) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

async function write(writer: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const sequence = await log.append(killPayload(writer, turn))
    say(`a ${sequence} ${writer} ${turn}`)
    if (writer === 0 && turn % 20 === 19) {
      say(`r ${sequence - 500}`)
      if (sequence > 500) void log.release(sequence - 500)
    }
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
