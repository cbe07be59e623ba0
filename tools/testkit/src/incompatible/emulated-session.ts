/** What a profile makes of the commands of one connection. Pure: the proxy does what is decided here. */
import { COMMANDS, longestValueBytes, readPrepared, type ServerError } from './packets.ts'
import type { Profile, Rule } from './profiles.ts'
import { kindOf, plainForm, type StatementKind } from './statements.ts'

/** What becomes of a command. */
export type Decision =
  /** The server gets it, perhaps with another text. */
  | { readonly kind: 'pass'; readonly payload: Buffer }
  /** The client gets an error; the server rolls back first, where it has a transaction that the error ends. */
  | { readonly kind: 'refuse'; readonly error: ServerError; readonly rollsBack: boolean }

export interface EmulationPorts {
  /** Monotonic, ms. */
  nowMs(): number
  /** Whether this server is no longer the one that writes. */
  isDemoted(): boolean
  /** A statement that is not for this server was met. */
  onUse(rule: Rule, text: string): void
  /** A transaction that wrote is about to commit. @returns the error of another that was faster, if so */
  onCommit(): ServerError | undefined
}

interface Statement {
  readonly text: string
  readonly kind: StatementKind
}

interface PreparedStatement extends Statement {
  readonly parameterCount: number
}

interface Transaction {
  readonly beganAtMs: number
  hasWritten: boolean
  /** Of all its writes. */
  bytes: number
}

/** One connection's transaction and prepared statements. */
export class EmulatedSession {
  readonly #profile: Profile
  readonly #ports: EmulationPorts
  readonly #prepared = new Map<number, PreparedStatement>()
  /** Asked for, and not yet numbered by the server. */
  #preparing: Statement | undefined
  #transaction: Transaction | undefined
  /** The transaction was ended by the server, which its client may not know yet. */
  #wasEnded = false

  constructor(profile: Profile, ports: EmulationPorts) {
    this.#profile = profile
    this.#ports = ports
  }

  /** @param payload of a packet that begins a command */
  command(payload: Buffer): Decision {
    this.#preparing = undefined
    switch (payload[0]) {
      case COMMANDS.query:
        return this.#query(payload)
      case COMMANDS.prepare:
        return this.#prepare(payload)
      case COMMANDS.execute: {
        const statement = this.#prepared.get(payload.readUInt32LE(1))
        return statement === undefined ? pass(payload) : this.#run(statement, payload)
      }
      case COMMANDS.close:
        this.#prepared.delete(payload.readUInt32LE(1))
        return pass(payload)
      default:
        return pass(payload)
    }
  }

  /** @param payload of the first packet that answers a command */
  answered(payload: Buffer): void {
    const statement = this.#preparing
    this.#preparing = undefined
    if (statement === undefined) return
    const prepared = readPrepared(payload)
    if (prepared !== undefined) {
      this.#prepared.set(prepared.id, { ...statement, parameterCount: prepared.parameterCount })
    }
  }

  /** How much longer the transaction may last, ms; `undefined`: as long as it likes, or there is none. */
  get leftMs(): number | undefined {
    const { transactionMs } = this.#profile
    if (transactionMs === undefined || this.#transaction === undefined) return undefined
    return this.#transaction.beganAtMs + transactionMs.max - this.#ports.nowMs()
  }

  /** Ends a transaction that has lasted too long. @returns whether there was one: the server must roll it back */
  endIfLate(): boolean {
    const { leftMs } = this
    if (leftMs === undefined || leftMs >= 0) return false
    this.#transaction = undefined
    this.#wasEnded = true
    return true
  }

  #query(payload: Buffer): Decision {
    const { statement, refusal } = this.#read(payload)
    if (refusal !== undefined) return { kind: 'refuse', error: refusal, rollsBack: false }
    const decision = this.#run({ ...statement, parameterCount: 0 }, payload)
    return decision.kind === 'pass' ? pass(withText(payload, this.#textForServer(statement.text))) : decision
  }

  #prepare(payload: Buffer): Decision {
    const { statement, refusal } = this.#read(payload)
    if (refusal !== undefined) return { kind: 'refuse', error: refusal, rollsBack: false }
    this.#preparing = statement
    return pass(withText(payload, this.#textForServer(statement.text)))
  }

  #read(payload: Buffer): { readonly statement: Statement; readonly refusal: ServerError | undefined } {
    const text = payload.toString('utf8', 1)
    const plain = plainForm(text)
    let refusal: ServerError | undefined
    for (const rule of this.#profile.rules) {
      if (!rule.pattern.test(plain)) continue
      this.#ports.onUse(rule, text)
      refusal ??= rule.error
    }
    return { statement: { text, kind: kindOf(plain) }, refusal }
  }

  #run({ kind, parameterCount }: PreparedStatement, payload: Buffer): Decision {
    const isLate = this.endIfLate()
    if (kind === 'begin' || kind === 'rollback') this.#wasEnded = false
    const { transactionMs } = this.#profile
    if (this.#wasEnded && transactionMs !== undefined) {
      return { kind: 'refuse', error: transactionMs.error, rollsBack: isLate }
    }
    switch (kind) {
      case 'begin':
        this.#transaction = { beganAtMs: this.#ports.nowMs(), hasWritten: false, bytes: 0 }
        return pass(payload)
      case 'commit':
        return this.#commit(payload)
      case 'rollback':
        this.#transaction = undefined
        return pass(payload)
      case 'write':
        return this.#write(payload, parameterCount)
      case 'schema':
        if (this.#demotion !== undefined) return refuse(this.#demotion)
        this.#transaction = undefined
        return pass(payload)
      case 'other':
        return pass(payload)
    }
  }

  get #demotion(): ServerError | undefined {
    return this.#ports.isDemoted() ? this.#profile.demoted : undefined
  }

  #write(payload: Buffer, parameterCount: number): Decision {
    if (this.#demotion !== undefined) return refuse(this.#demotion)
    const { rowBytes, transactionBytes } = this.#profile
    if (rowBytes !== undefined && longestValueBytes(payload, parameterCount) > rowBytes.max) {
      return refuse(rowBytes.error)
    }
    const transaction = this.#transaction
    if (transaction === undefined) {
      // It is its own transaction, and commits at once.
      const conflict = this.#ports.onCommit()
      return conflict === undefined ? pass(payload) : refuse(conflict)
    }
    if (transactionBytes !== undefined && transaction.bytes + payload.length > transactionBytes.max) {
      return refuse(transactionBytes.error)
    }
    transaction.hasWritten = true
    transaction.bytes += payload.length
    return pass(payload)
  }

  #commit(payload: Buffer): Decision {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction?.hasWritten !== true) return pass(payload)
    if (this.#demotion !== undefined) return { kind: 'refuse', error: this.#demotion, rollsBack: true }
    const conflict = this.#ports.onCommit()
    return conflict === undefined ? pass(payload) : { kind: 'refuse', error: conflict, rollsBack: true }
  }

  #textForServer(text: string): string {
    const { rewrites, variables } = this.#profile
    return rewrites.reduce(
      (changed, { pattern, replacement }) => changed.replace(pattern, replacement),
      variablesAsRows(text, variables),
    )
  }
}

function pass(payload: Buffer): Decision {
  return { kind: 'pass', payload }
}

function refuse(error: ServerError): Decision {
  return { kind: 'refuse', error, rollsBack: false }
}

function withText(payload: Buffer, text: string): Buffer {
  return Buffer.concat([payload.subarray(0, 1), Buffer.from(text)])
}

/** `SHOW GLOBAL VARIABLES` as a query of constants: the server itself then encodes the answer. Its WHERE remains. */
function variablesAsRows(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/^\s*SHOW GLOBAL VARIABLES\b/i, () => {
    const rows = Object.entries(variables).map(
      ([name, value]) => `SELECT '${name}' AS Variable_name, '${value}' AS Value`,
    )
    return `SELECT * FROM (${rows.join(' UNION ALL ')}) AS profile_variables`
  })
}
