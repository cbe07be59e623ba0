import { TierUnavailable, type ArchiveTier, type CacheTier, type Clock, type Lookup } from '@se/core'
import { Anomaly } from '../anomaly.ts'

/** Longest time that the world stands still for a call of a tier, ms of real time. */
const PATIENCE_MS = 10_000
/** How long it does where a tier has set a timer, ms of real time: the call may be waiting for that. */
const PATIENCE_BESIDE_TIMER_MS = 25

type Visit = (...pieces: unknown[]) => unknown

interface Call {
  readonly name: string
  /** Pieces it has handed over that are not done with: meanwhile it waits for the engine, which may need time. */
  pieces: number
}

/**
 * Calls of tiers that are under way. Time of the world stands still for them: what takes real time, as a file does, takes none there,
 * unless the script says so.
 */
export class Calls {
  readonly #open = new Set<Call>()
  /** Timers of tiers: a tier that tries again later needs time to pass. */
  readonly #timers = new Set<symbol>()
  readonly #realClock: Pick<Clock, 'monotonicMs'>

  constructor(realClock: Pick<Clock, 'monotonicMs'>) {
    this.#realClock = realClock
  }

  /** A tier whose calls are counted. */
  counted<T extends ArchiveTier | CacheTier>(tier: T): T {
    return new Proxy(tier, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          const call: Call = { name: `${target.backend}.${String(name)}`, pieces: 0 }
          const visiting = args.map((arg) =>
            typeof arg === 'function' ? visitedIn(call, arg as Visit) : arg,
          )
          const result: unknown = Reflect.apply(value, target, visiting)
          if (!(result instanceof Promise)) return result
          this.#open.add(call)
          return result.finally(() => this.#open.delete(call))
        }
      },
    })
  }

  /** The clock of the world, as tiers get it. */
  clockOf(world: Clock): Clock {
    return {
      ...world,
      setTimer: (delayMs, callback) => {
        const timer = Symbol()
        this.#timers.add(timer)
        const cancel = world.setTimer(delayMs, () => {
          this.#timers.delete(timer)
          callback()
        })
        return () => {
          this.#timers.delete(timer)
          cancel()
        }
      },
    }
  }

  /**
   * Resolves when no call waits for its tier, or when a tier waits for time.
   *
   * @throws Anomaly naming a call that does not end
   */
  async ended(): Promise<void> {
    if (this.#open.size === 0) return
    const startMs = this.#realClock.monotonicMs()
    for (let out = this.#out(); out.length > 0; out = this.#out()) {
      await new Promise((resolve) => setImmediate(resolve))
      const waitedMs = this.#realClock.monotonicMs() - startMs
      if (this.#timers.size > 0 && waitedMs >= PATIENCE_BESIDE_TIMER_MS) return
      if (waitedMs < PATIENCE_MS) continue
      throw new Anomaly('hangs', `${out.join()} has not ended in ${PATIENCE_MS} ms`)
    }
  }

  /** Names of calls that wait for their tier. */
  #out(): string[] {
    return [...this.#open].filter(({ pieces }) => pieces === 0).map(({ name }) => name)
  }
}

/** What a call hands its pieces to. */
function visitedIn(call: Call, visit: Visit): Visit {
  return (...pieces) => {
    const result = visit(...pieces)
    if (!(result instanceof Promise)) return result
    call.pieces++
    return result.finally(() => call.pieces--)
  }
}

/** An archive that is out of reach at times: lookups then answer `unknown`, and everything else fails. */
export function reachable<T extends ArchiveTier>(archive: T, isReachable: () => boolean): T {
  return new Proxy(archive, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown =>
        isReachable() || name === 'close' ? Reflect.apply(value, target, args) : unreachable(name, args)
    },
  })
}

async function unreachable(name: string | symbol, [ids]: readonly unknown[]): Promise<unknown> {
  const cause = new TierUnavailable('the archive is out of reach')
  const lookup: Lookup = { kind: 'unknown', because: 'disconnected', cause }
  if (name === 'get') return lookup
  if (name === 'getMany') return (ids as readonly string[]).map(() => lookup)
  throw cause
}
