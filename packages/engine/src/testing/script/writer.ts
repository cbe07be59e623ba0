import type { SeededRandom } from '@se/core/testing'
import type { Consistency, Level } from '../../index.ts'
import type { Action } from './actions.ts'
import type { Variant } from './variant.ts'

/** The items that scripts write and read. */
export const IDS: readonly string[] = Array.from({ length: 12 }, (_, index) =>
  index % 2 === 0 ? `user.${index}` : `item.${index}`,
)
/** How far a wall clock may be off where clocks are not what the run is about, ms: two of them stay within the archive's second. */
const SKEW_MS_MAX = 900
const HOUR_MS = 3_600_000

/** The words a script is written in. Draws what it is not told. */
export class Writer {
  readonly actions: Action[] = []
  readonly random: SeededRandom
  readonly variant: Variant
  /** Ids that are written and read more than others, so that what happens to one and the same overlaps. */
  #hot: readonly string[] = IDS.slice(0, 2)
  #values = 0

  constructor(random: SeededRandom, variant: Variant) {
    this.random = random
    this.variant = variant
  }

  add(...actions: Action[]): void {
    this.actions.push(...actions)
  }

  /** A value or a delete. */
  write(process = this.process(), id = this.id(), level = this.level()): void {
    if (this.random.chance(0.25))
      this.add({ do: 'write', process, id, value: undefined, level, isLarge: false })
    else this.put(process, id, level)
  }

  put(process: number, id: string, level: Level): void {
    const isLarge = this.variant.isMemoryTight && this.random.chance(0.4)
    this.add({ do: 'write', process, id, value: this.#values++, level, isLarge })
  }

  read(process = this.process(), id = this.id(), consistency = this.consistency()): void {
    this.add({ do: 'read', process, id, consistency })
  }

  readEverything(process = this.process(), consistency = this.consistency()): void {
    this.add({ do: 'read-everything', process, consistency })
  }

  flush(process = this.process()): void {
    this.add({ do: 'flush', process })
  }

  pass(...choices: readonly number[]): void {
    this.add({ do: 'pass', ms: this.random.pick(choices) })
  }

  freeze(process: number): void {
    this.add({ do: 'freeze', process })
  }

  thaw(process: number): void {
    this.add({ do: 'thaw', process, timersFirst: this.random.chance(0.5) })
  }

  kill(process: number): void {
    const power = this.random.chance(0.5) ? this.random.below(2 ** 31) : undefined
    this.add({ do: 'kill', process, power })
  }

  /** From now on other ids are hot. */
  coolDown(): void {
    this.#hot = [this.random.pick(IDS), this.random.pick(IDS)]
  }

  process(): number {
    return this.random.below(this.variant.processes)
  }

  /** Two of them, the same one twice where there is only one. */
  two(): readonly [number, number] {
    const one = this.process()
    return [
      one,
      (one + 1 + this.random.below(Math.max(1, this.variant.processes - 1))) % this.variant.processes,
    ]
  }

  /** All of them. */
  processes(): number[] {
    return Array.from({ length: this.variant.processes }, (_, process) => process)
  }

  cache(): number {
    const used = this.variant.caches.filter((cache) => cache !== undefined)
    return used.length === 0 ? 0 : this.random.pick(used)
  }

  id(): string {
    return this.random.pick(this.random.chance(0.6) ? this.#hot : IDS)
  }

  ids(): string[] {
    return Array.from({ length: 1 + this.random.below(6) }, () => this.random.pick(IDS))
  }

  level(): Level {
    return this.random.pick(['log', 'log', 'log', 'memory', 'archive'] as const)
  }

  consistency(): Consistency {
    return this.random.pick(['local', 'local', 'shared', 'source'] as const)
  }

  skew(): number {
    return this.random.below(2 * SKEW_MS_MAX + 1) - SKEW_MS_MAX
  }

  hours(): number {
    return this.random.pick([-24, -1, -1, 1, 1, 24]) * HOUR_MS
  }
}
