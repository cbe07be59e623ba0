/**
 * The own row is not the one that a batch was planned with: its floor, epoch, attempt or last sequence is another now. The batch
 * is planned anew, which begins with finding out why. Internal; never leaves the package.
 */
export class PlanOutdated extends Error {
  override readonly name = 'PlanOutdated'

  constructor() {
    super('the own row has changed since the batch was planned')
  }
}
