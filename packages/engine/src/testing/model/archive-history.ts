import { compareStamps, stampMs, type Stamp } from '@se/core'

/** A moment of a run: the order of everything that happens, and the world's monotonic time, ms. */
export interface Moment {
  readonly order: number
  readonly atMs: number
}

/** What the archive took, and when. */
export interface Commit extends Moment {
  readonly id: string
  readonly stamp: Stamp
  /** `undefined`: a delete. */
  readonly value: number | undefined
  /** When the archive went back behind it. */
  readonly voided: Moment | undefined
}

/** Everything the archive has ever taken, also what it has lost again. */
export class ArchiveHistory {
  readonly #commits = new Map<string, Commit[]>()

  add(commit: Omit<Commit, 'voided'>): void {
    const commits = this.#commits.get(commit.id) ?? []
    this.#commits.set(commit.id, commits)
    commits.push({ ...commit, voided: undefined })
  }

  /** The archive goes back to what it was at a moment. @returns how many commits it loses */
  goBack(to: Moment, now: Moment): number {
    let count = 0
    for (const commits of this.#commits.values()) {
      for (const [index, commit] of commits.entries()) {
        if (commit.order <= to.order || commit.voided !== undefined) continue
        commits[index] = { ...commit, voided: now }
        count++
      }
    }
    return count
  }

  /** Oldest first. */
  commitsOf(id: string): readonly Commit[] {
    return this.#commits.get(id) ?? []
  }

  /**
   * Whether a delete, or a write that a delete followed, has left no trace in the archive.
   *
   * @param floorMs tombstones up to here are gone, by the archive's clock
   */
  isCollected({ id, stamp }: Commit, floorMs: number): boolean {
    return this.commitsOf(id).some(
      (commit) =>
        commit.value === undefined &&
        commit.voided === undefined &&
        compareStamps(commit.stamp, stamp) >= 0 &&
        stampMs(commit.stamp) <= floorMs,
    )
  }

  /** Whether the archive has lost a write that somebody had read, or something newer, since it was read; it may have it again. */
  isLostSince(id: string, stamp: Stamp, order: number): boolean {
    const commits = this.commitsOf(id)
    const isThere = commits.some(
      (commit) => commit.voided === undefined && compareStamps(commit.stamp, stamp) === 0,
    )
    return commits.some(({ stamp: committed, voided }) => {
      const difference = compareStamps(committed, stamp)
      if (voided === undefined || difference < 0) return false
      return order < voided.order || (difference === 0 && !isThere)
    })
  }

  /**
   * Whether the archive held a write, or something newer that took its place, and has lost that.
   *
   * @param order when the write was issued, or heard of
   */
  isVoid(id: string, stamp: Stamp, order: number): boolean {
    let isVoid = false
    for (const commit of this.commitsOf(id)) {
      const difference = compareStamps(commit.stamp, stamp)
      if (difference === 0 && commit.voided === undefined) return false
      if (commit.voided === undefined || difference < 0) continue
      // A read that had begun before may bring it later: the very write is lost, whenever it was heard of.
      if (difference === 0 || order < commit.voided.order) isVoid = true
    }
    return isVoid
  }
}
