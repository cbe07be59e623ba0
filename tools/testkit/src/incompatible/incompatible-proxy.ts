import { connect, createServer, type AddressInfo } from 'node:net'
import { InvalidInput, type Clock, type Random } from '@se/core'
import { systemClock } from '@se/core/node'
import { EmulatedSession } from './emulated-session.ts'
import { PROFILES, type ProfileName } from './profiles.ts'
import { ProxyLink } from './proxy-link.ts'

export interface IncompatibleProxyOptions {
  readonly profile: ProfileName
  /** Port of a real MariaDB on 127.0.0.1. */
  readonly targetPort: number
  /**
   * How often COMMIT of a transaction that wrote fails by a conflict, from 0 to 1, and the chance that decides it; a profile that knows
   * no conflicts has none. Default: never.
   */
  readonly conflicts?: { readonly rate: number; readonly random: Pick<Random, 'fraction'> }
  /** Tells how long transactions last. Default: the real one. */
  readonly clock?: Clock
}

/** A statement that is not for this server. */
export interface RuleUse {
  /** Name of the rule. */
  readonly rule: string
  readonly text: string
}

/** A MariaDB that behaves as another server does, as far as documentation tells: see `profiles.ts`. */
export interface IncompatibleProxy {
  /** Where the client connects, on 127.0.0.1. */
  readonly port: number
  /** Statements that the server refuses, or does not keep, in order of arrival. */
  readonly uses: readonly RuleUse[]
  /** Transactions that wrote and asked to be committed. */
  readonly commitCount: number
  /** Those of them that met a conflict. */
  readonly conflictCount: number
  /**
   * Lets one of the next such transactions meet a conflict.
   *
   * @param count 1: the next one
   * @throws InvalidInput when the profile knows no conflicts
   */
  conflictAt(count: number): void
  /**
   * From now on this server is a reader; connections stay.
   *
   * @throws InvalidInput when the profile does not say what then happens
   */
  demote(): void
  close(): Promise<void>
}

/** Starts a proxy in front of a MariaDB on this machine. */
export async function startIncompatibleProxy(options: IncompatibleProxyOptions): Promise<IncompatibleProxy> {
  const { targetPort, conflicts, clock = systemClock } = options
  const profile = PROFILES[options.profile]
  const uses: RuleUse[] = []
  const links = new Set<ProxyLink>()
  let commitCount = 0
  let conflictCount = 0
  let conflictAtCommit: number | undefined
  let isDemoted = false

  function onCommit() {
    commitCount += 1
    const { conflicts: errors } = profile
    const isChosen = commitCount === conflictAtCommit
    const isDrawn = conflicts !== undefined && conflicts.random.fraction() < conflicts.rate
    if (errors.length === 0 || !(isChosen || isDrawn)) return undefined
    conflictCount += 1
    return errors[conflictCount % errors.length]
  }

  const listener = createServer({ noDelay: true }, (client) => {
    const session = new EmulatedSession(profile, {
      nowMs: () => clock.monotonicMs(),
      isDemoted: () => isDemoted,
      onUse: ({ name }, text) => uses.push({ rule: name, text }),
      onCommit,
    })
    const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const link = new ProxyLink({ profile, session, client, server, clock, isDemoted: () => isDemoted })
    links.add(link)
    client.once('close', () => links.delete(link))
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen({ port: 0, host: '127.0.0.1' }, resolve)
  })

  return {
    port: (listener.address() as AddressInfo).port,
    uses,
    get commitCount() {
      return commitCount
    },
    get conflictCount() {
      return conflictCount
    },
    conflictAt(count) {
      if (profile.conflicts.length === 0)
        throw new InvalidInput('profile', `${profile.name} knows no conflicts`)
      conflictAtCommit = commitCount + count
    },
    demote() {
      if (profile.demoted === undefined) {
        throw new InvalidInput('profile', `${profile.name} does not say what a demoted server answers`)
      }
      isDemoted = true
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const link of links) link.destroy()
      }),
  }
}
