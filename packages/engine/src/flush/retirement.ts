import { invariant, TierUnavailable, type RetirementRequest, type RetiresInstances } from '@se/core'
import type { OwnLedger } from './own-ledger.ts'

/** Most instances that one row of the ledger takes out. */
const INSTANCES_MAX = 1_000

interface Waiter {
  readonly resolve: (count: number) => void
  readonly reject: (error: unknown) => void
}

/**
 * Takes instances out of the archive that have ended or are dead, as a row of the own ledger [P80, P94]. It has the ledger for
 * itself while it runs; one that fails is not repeated, but nothing else is sent before it is known what became of it.
 */
export class Retirement {
  readonly #archive: Partial<RetiresInstances>
  readonly #ledger: OwnLedger
  #asked: { readonly deadBeforeMs: number; readonly waiter: Waiter } | undefined
  #isInDoubt = false

  constructor(archive: Partial<RetiresInstances>, ledger: OwnLedger) {
    this.#archive = archive
    this.#ledger = ledger
  }

  /** @returns how many were taken out, once {@link run} has been through; 0 where the archive keeps all. One at a time. */
  ask(deadBeforeMs: number): Promise<number> {
    this.giveUp(new TierUnavailable('asked again'))
    if (this.#archive.retireInstances === undefined) return Promise.resolve(0)
    return new Promise((resolve, reject) => {
      this.#asked = { deadBeforeMs, waiter: { resolve, reject } }
    })
  }

  /** It will not run any more. */
  giveUp(error: Error): void {
    this.#asked?.waiter.reject(error)
    this.#asked = undefined
  }

  /** Does what was asked for, if anything was. @throws TierUnavailable while it is not known what became of one that failed */
  async run(): Promise<void> {
    if (this.#isInDoubt) {
      if (await this.#ledger.isNextIn()) this.#ledger.advance()
      else this.#ledger.redraw()
      this.#isInDoubt = false
    }
    const asked = this.#asked
    if (asked === undefined) return
    this.#asked = undefined
    invariant(
      this.#archive.retireInstances !== undefined,
      'only an archive that retires instances is asked to',
    )
    const { claim, next } = this.#ledger
    const { deadBeforeMs, waiter } = asked
    const request: RetirementRequest = { claim, ...next, deadBeforeMs, instancesMax: INSTANCES_MAX }
    try {
      const retired = await this.#archive.retireInstances(request)
      if (retired.length > 0) this.#ledger.advance()
      waiter.resolve(retired.length)
    } catch (error) {
      this.#isInDoubt = true
      waiter.reject(error)
      throw error
    }
  }
}
