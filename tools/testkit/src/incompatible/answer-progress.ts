/** How far the server's answer to a command has come. Pure. */
import { COMMANDS, readPrepared } from './packets.ts'

const OK = 0
const ERROR = 0xff
const EOF = 0xfe
/** A row may begin like an EOF packet, but is then longer. */
const EOF_BYTES_MAX = 8

/**
 * Counts what is still to come of one answer: one packet, or lists that end with EOF (which a client may do without, where it says so; here
 * none can). Source: "Text Resultset", "Binary Protocol Resultset", "COM_STMT_PREPARE Response".
 */
export class AnswerProgress {
  readonly #command: number
  #listsLeft: number | undefined

  /** @param command first byte of the command's payload */
  constructor(command: number) {
    this.#command = command
  }

  /** @returns whether the packet is the last one */
  push(payload: Buffer): boolean {
    if (this.#listsLeft === undefined) this.#listsLeft = this.#listsAfter(payload)
    else if (payload[0] === ERROR) this.#listsLeft = 0
    else if (payload[0] === EOF && payload.length <= EOF_BYTES_MAX) this.#listsLeft -= 1
    return this.#listsLeft === 0
  }

  #listsAfter(first: Buffer): number {
    if (this.#command === COMMANDS.prepare) {
      const prepared = readPrepared(first)
      if (prepared === undefined) return 0
      return Number(prepared.parameterCount > 0) + Number(prepared.columnCount > 0)
    }
    // The columns, then the rows.
    return first[0] === OK || first[0] === ERROR ? 0 : 2
  }
}

const SILENT: readonly number[] = [COMMANDS.quit, COMMANDS.longData, COMMANDS.close]

/** Whether the server answers a command at all. @param command first byte of its payload */
export function isAnswered(command: number): boolean {
  return !SILENT.includes(command)
}
