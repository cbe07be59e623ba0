import { seededRandom, type SeededRandom } from '@se/core/testing'
import { CuckooFilter } from '../src/index.ts'

/** Different keys a script may use; the filter starts at room for 100, so it grows a thousandfold and more. */
const UNIVERSE = 250_000
/** These are added and deleted so often that their copies fill both buckets and the stash. */
const HOT_KEYS = 6

export interface ScriptOptions {
  readonly seed: number
  readonly operations: number
}

export interface ScriptResult {
  readonly adds: number
  readonly deletes: number
  readonly lookups: number
  readonly shrinks: number
  readonly restores: number
  /** Lookups of keys that were not there and were answered "present". */
  readonly falsePositives: number
  readonly sizeMax: number
  readonly stashMax: number
}

/**
 * Random adds, deletes, lookups, shrinks, snapshots and restores, compared step by step with an exact multiset.
 *
 * Drifts between filling and emptying, so that the filter doubles and halves again and again, and stops shrinking half-way.
 *
 * @throws Error that names the seed and the operation when the filter denies a key it holds, or its count or sum is wrong
 */
export function runFilterScript(options: ScriptOptions): ScriptResult {
  const random = seededRandom(options.seed)
  const copies = new Uint16Array(UNIVERSE)
  const hashes = hashesOf(random)
  let filter = CuckooFilter.create({ capacity: 100, falsePositiveRate: 0.001, seed: random.below(2 ** 32) })
  let size = 0
  const result = { adds: 0, deletes: 0, lookups: 0, shrinks: 0, restores: 0, falsePositives: 0 }
  let sizeMax = 0
  let stashMax = 0
  let operation = 0
  const fail = (what: string): never => {
    throw new Error(
      `${what} at operation ${operation} of seed ${options.seed} (repeat with SE_SEED=${options.seed})`,
    )
  }
  const check = () => {
    let sum = 0n
    for (let key = 0; key < UNIVERSE; key++) {
      const h1 = hashes[key * 2]!
      const h2 = hashes[key * 2 + 1]!
      if (copies[key]! > 0) {
        if (!filter.hasHash(h1, h2)) fail(`key ${key} is denied`)
        sum += BigInt(copies[key]!) * ((BigInt(h1) << 32n) | BigInt(h2))
      }
    }
    if (filter.count !== size) fail(`count ${filter.count} instead of ${size}`)
    if (filter.sum !== BigInt.asUintN(64, sum)) fail('the sum is wrong')
    if (filter.loadFactor > 0.9001) fail(`load ${filter.loadFactor}`)
  }

  let addShare = 0.5
  let universe = UNIVERSE
  let copiesMax = 1
  for (; operation < options.operations; operation++) {
    if (operation % 50_000 === 0) {
      addShare = random.pick([0.2, 0.4, 0.5, 0.6, 0.8, 0.95])
      universe = random.pick([50, 1000, 30_000, UNIVERSE, UNIVERSE])
      copiesMax = random.pick([1, 1, 2, 12])
    }
    const key = random.chance(0.01) ? random.below(HOT_KEYS) : random.below(universe)
    const h1 = hashes[key * 2]!
    const h2 = hashes[key * 2 + 1]!
    const dice = random.fraction()
    if (dice < 0.3) {
      result.lookups++
      const isPresent = filter.hasHash(h1, h2)
      if (copies[key]! > 0) {
        if (!isPresent) fail(`key ${key} is denied`)
      } else if (isPresent) result.falsePositives++
    } else if (random.fraction() < addShare && copies[key]! < (key < HOT_KEYS ? 60_000 : copiesMax)) {
      result.adds++
      filter.addHash(h1, h2)
      copies[key]!++
      size++
    } else if (copies[key]! > 0) {
      result.deletes++
      if (!filter.deleteHash(h1, h2)) fail(`key ${key} cannot be deleted`)
      copies[key]!--
      size--
    } else if (!filter.hasHash(h1, h2)) {
      // Certainly absent: the delete must say so and change nothing.
      result.deletes++
      if (filter.deleteHash(h1, h2)) fail(`key ${key} was deleted, and was not there`)
    }
    if (random.chance(1 / 20_000)) {
      result.shrinks++
      filter.shrink(random.chance(0.5) ? 1 + random.below(5000) : undefined)
    }
    if (random.chance(1 / 100_000)) {
      result.restores++
      const restored = CuckooFilter.fromSnapshot(filter.toSnapshot())
      filter = restored.filter
    }
    if (operation % 500_000 === 499_999) {
      check()
      sizeMax = Math.max(sizeMax, size)
      stashMax = Math.max(stashMax, filter.stashSize)
    }
  }
  check()
  return {
    ...result,
    sizeMax: Math.max(sizeMax, size),
    stashMax: Math.max(stashMax, filter.stashSize),
  }
}

/** Two evenly distributed words for each key of the universe. */
function hashesOf(random: SeededRandom): Uint32Array {
  const hashes = new Uint32Array(UNIVERSE * 2)
  for (let index = 0; index < hashes.length; index++) hashes[index] = random.below(2 ** 32)
  return hashes
}
