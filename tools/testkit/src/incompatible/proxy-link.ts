import type { Socket } from 'node:net'
import type { CancelTimer, Clock } from '@se/core'
import { AnswerProgress, isAnswered } from './answer-progress.ts'
import type { Decision, EmulatedSession } from './emulated-session.ts'
import {
  encodePacket,
  errorPayload,
  PacketReader,
  queryPayload,
  rewriteGreeting,
  type Packet,
} from './packets.ts'
import { DEMOTED_VARIABLE, type Profile } from './profiles.ts'

export interface ProxyLinkPorts {
  readonly profile: Profile
  readonly session: EmulatedSession
  readonly client: Socket
  readonly server: Socket
  readonly clock: Clock
  isDemoted(): boolean
}

/** One client's connection, and the one to the server that belongs to it: does what the session decides. */
export class ProxyLink {
  readonly #ports: ProxyLinkPorts
  #hasGreeted = false
  /** The server's session was told that it is a reader. */
  #isTold = false
  /** Of a command that the client waits for. */
  #answer: AnswerProgress | undefined
  /** Takes the one packet that answers a command of the proxy's own. */
  #takeOwnAnswer: (() => void) | undefined
  /** Commands are dealt with one after the other. */
  #turn: Promise<void> = Promise.resolve()
  #cancelLate: CancelTimer | undefined

  constructor(ports: ProxyLinkPorts) {
    const { client, server } = ports
    this.#ports = ports
    const fromClient = new PacketReader()
    const fromServer = new PacketReader()
    client.on('data', (chunk: Buffer) => {
      for (const packet of fromClient.push(chunk)) this.#inTurn(() => this.#clientSent(packet))
    })
    server.on('data', (chunk: Buffer) => {
      for (const packet of fromServer.push(chunk)) this.#serverSent(packet)
    })
    for (const end of [client, server]) end.on('error', () => this.destroy())
    // A FIN may come before the last packets are through.
    client.on('end', () => this.#inTurn(async () => void server.end()))
    client.on('close', () => this.destroy())
    server.on('close', () => client.destroySoon())
  }

  destroy(): void {
    this.#cancelLate?.()
    this.#takeOwnAnswer?.()
    this.#ports.client.destroy()
    this.#ports.server.destroy()
  }

  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work)
  }

  async #clientSent({ sequence, lastSequence, payload }: Packet): Promise<void> {
    const { session, server, isDemoted } = this.#ports
    // Anything else than a command: the answer to a greeting, or a part of what was asked for.
    if (sequence !== 0) {
      server.write(encodePacket(payload, sequence))
      return
    }
    if (isDemoted() && !this.#isTold) {
      this.#isTold = true
      await this.#ask(`SET ${DEMOTED_VARIABLE} = 1`)
    }
    const decision = session.command(payload)
    this.#watch()
    if (decision.kind === 'refuse') return this.#refuse(decision, lastSequence + 1)
    const command = payload[0]!
    if (isAnswered(command)) this.#answer = new AnswerProgress(command)
    server.write(encodePacket(decision.payload, 0))
  }

  /** The server rolls back before the client hears of it: another one then finds its locks free. */
  async #refuse(decision: Decision & { readonly kind: 'refuse' }, sequence: number): Promise<void> {
    if (decision.rollsBack) await this.#ask('ROLLBACK')
    this.#ports.client.write(encodePacket(errorPayload(decision.error), sequence))
  }

  /** Ends the transaction when it has lasted too long, also if its client is silent. */
  #watch(): void {
    const { session, clock } = this.#ports
    this.#cancelLate?.()
    const { leftMs } = session
    if (leftMs === undefined) return
    this.#cancelLate = clock.setBackgroundTimer(leftMs + 1, () =>
      this.#inTurn(async () => {
        // While the server is at work, the next command finds out.
        if (this.#answer === undefined && session.endIfLate()) await this.#ask('ROLLBACK')
      }),
    )
  }

  /** Sends a command of the proxy's own, which is answered by one packet, and keeps the answer back. */
  #ask(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#takeOwnAnswer = resolve
      this.#ports.server.write(encodePacket(queryPayload(text), 0))
    })
  }

  #serverSent({ sequence, payload }: Packet): void {
    const { client, session, profile } = this.#ports
    if (!this.#hasGreeted) {
      this.#hasGreeted = true
      client.write(encodePacket(rewriteGreeting(payload, profile.version), sequence))
      return
    }
    const takeOwnAnswer = this.#takeOwnAnswer
    if (takeOwnAnswer !== undefined) {
      this.#takeOwnAnswer = undefined
      takeOwnAnswer()
      return
    }
    session.answered(payload)
    if (this.#answer?.push(payload) === true) this.#answer = undefined
    client.write(encodePacket(payload, sequence))
  }
}
