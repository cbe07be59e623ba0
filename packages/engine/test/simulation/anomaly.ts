/** A promise that was broken. */
export class Anomaly extends Error {
  override readonly name = 'Anomaly'
  /** Which rule: the same for all runs that break it in this way. */
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`[${rule}] ${message}`)
    this.rule = rule
  }
}
