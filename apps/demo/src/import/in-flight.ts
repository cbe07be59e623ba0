/** A bound on calls under way: a caller asks for room before it starts one. The calls handle their errors themselves. */
export class InFlight {
  readonly #max: number
  #count = 0
  #wake: (() => void) | undefined

  constructor(max: number) {
    this.#max = max
  }

  get count(): number {
    return this.#count
  }

  /** @param call settles when its place is free again; must not reject */
  add(call: Promise<void>): void {
    this.#count++
    void call.finally(() => {
      this.#count--
      this.#wake?.()
    })
  }

  /** Resolves when one more may be started. For one caller at a time. */
  async room(): Promise<void> {
    while (this.#count >= this.#max) await this.#change()
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
