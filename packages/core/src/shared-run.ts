/** Callers that meet share one run: a call while one is under way gets that one's result, and its own work is not run. */
export class SharedRun<T> {
  #running: Promise<T> | undefined

  /** The run under way, if there is one. */
  get running(): Promise<T> | undefined {
    return this.#running
  }

  /**
   * @param work not run if a run is under way. The next call after its end runs again, also after a failure
   * @returns the result of the run that this call shares, or its error
   */
  run(work: () => Promise<T>): Promise<T> {
    this.#running ??= work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
