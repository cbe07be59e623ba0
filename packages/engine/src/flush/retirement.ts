import { TierUnavailable } from '@se/core'
import type { BackClient } from '../seam/back-client.ts'

interface Asked {
  readonly deadBeforeMs: number
  readonly resolve: (count: number) => void
  readonly reject: (error: unknown) => void
}

/**
 * Takes instances out of the archive that have ended or are dead, as a row of the own ledger [P80, P94]. It has the ledger for
 * itself while it runs; one that fails is not repeated, but nothing else is sent before it is known what became of it.
 */
export class Retirement {
  readonly #back: Pick<BackClient, 'ask'>
  #asked: Asked | undefined
  #isInDoubt = false

  constructor(back: Pick<BackClient, 'ask'>) {
    this.#back = back
  }

  /** @returns how many were taken out, once {@link run} has been through; 0 where the archive keeps all. One at a time. */
  ask(deadBeforeMs: number): Promise<number> {
    this.giveUp(new TierUnavailable('asked again'))
    return new Promise((resolve, reject) => {
      this.#asked = { deadBeforeMs, resolve, reject }
    })
  }

  /** It will not run any more. */
  giveUp(error: Error): void {
    this.#asked?.reject(error)
    this.#asked = undefined
  }

  /** Does what was asked for, if anything was. @throws TierUnavailable while it is not known what became of one that failed */
  async run(): Promise<void> {
    if (this.#isInDoubt) {
      await this.#back.ask('retire-fate', {})
      this.#isInDoubt = false
    }
    const asked = this.#asked
    if (asked === undefined) return
    this.#asked = undefined
    const { deadBeforeMs, resolve, reject } = asked
    try {
      resolve(await this.#back.ask('retire', { deadBeforeMs }))
    } catch (error) {
      this.#isInDoubt = true
      reject(error)
      throw error
    }
  }
}
