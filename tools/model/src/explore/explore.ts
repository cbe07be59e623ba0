import { Numbers, reachesEnd } from './edges.ts'
import type { State } from './layout.ts'
import { StateSet } from './state-set.ts'
import type { Moves, World } from './world.ts'

/** What is said of a state from which no end can be reached. */
export const HOPELESS = 'no end can be reached any more'

export interface Finding {
  /** What is wrong. */
  readonly violation: string
  /** The shortest way there: a line for each thing that happens. */
  readonly trace: readonly string[]
}

export interface Exploration {
  readonly stateCount: number
  /** The first thing that is wrong, breadth first, so no shorter trace leads to any. `undefined`: nothing is. */
  readonly finding: Finding | undefined
  /** How many states reach no end. */
  readonly hopelessCount: number
  /** How many states are ends. */
  readonly endCount: number
  /** The limit was met before all states were seen. */
  readonly isCut: boolean
}

export interface ExploreOptions {
  /** States after which the exploration is given up; default 20,000,000. */
  readonly statesMax?: number
  /** Only this violation is looked for; what is behind another one is not explored, but no finding. */
  readonly only?: string | undefined
  /** Called now and then. */
  readonly onProgress?: (stateCount: number, openCount: number) => void
}

const STATES_MAX = 20_000_000
const PROGRESS_STATES = 1 << 17

/**
 * Visits every state of a world, breadth first, until one is wrong. When none is, looks for states from which no end can
 * be reached; the first of them, in the order of the visit, is then the finding.
 */
export function explore(world: World, options: ExploreOptions = {}): Exploration {
  const { statesMax = STATES_MAX, only, onProgress } = options
  const states = new StateSet(world.byteCount)
  const parents = new Numbers()
  const edges = new Numbers()
  const ends: number[] = []
  const current = new Uint8Array(world.byteCount)
  const scratch = new Uint8Array(world.byteCount)
  let at = 0

  const result = (finding: Finding | undefined, hopelessCount = 0, isCut = false): Exploration => ({
    stateCount: states.size,
    finding,
    hopelessCount,
    endCount: ends.length,
    isCut,
  })
  /** @returns the number of the state */
  const reach = (next: State): number => {
    const size = states.size
    const index = states.add(next)
    if (index === size) parents.push(at)
    return index
  }
  const moves: Moves = {
    copy() {
      scratch.set(current)
      return scratch
    },
    add(next) {
      const to = reach(next)
      if (world.isEnd === undefined || to === at) return
      edges.push(at)
      edges.push(to)
    },
    addFault(next) {
      reach(next)
    },
  }

  reach(world.first())
  for (; at < states.size; at++) {
    if (at >= statesMax) return result(undefined, 0, true)
    if (onProgress !== undefined && at % PROGRESS_STATES === 0) onProgress(at, states.size - at)
    states.read(at, current)
    const violation = world.violationIn(current)
    if (violation !== undefined) {
      if (only !== undefined && violation !== only) continue
      return result({ violation, trace: tellWay(world, wayTo(at, parents), states) })
    }
    if (world.isEnd?.(current) === true) ends.push(at)
    world.step(current, moves)
  }
  if (world.isEnd === undefined) return result(undefined)
  const reached = reachesEnd(states.size, edges, ends)
  let hopelessCount = 0
  for (const mark of reached) if (mark === 0) hopelessCount++
  if (hopelessCount === 0) return result(undefined)
  const first = reached.indexOf(0)
  return result({ violation: HOPELESS, trace: tellWay(world, wayTo(first, parents), states) }, hopelessCount)
}

/** Numbers of the states from the first one to this one. */
function wayTo(index: number, parents: Numbers): number[] {
  const way = [index]
  while (way[0] !== 0) way.unshift(parents.at(way[0]!))
  return way
}

/** What happened on the way, found again by taking each step once more. */
function tellWay(world: World, way: readonly number[], states: StateSet): string[] {
  const from = new Uint8Array(world.byteCount)
  const to = new Uint8Array(world.byteCount)
  const scratch = new Uint8Array(world.byteCount)
  return way.slice(1).map((next, step) => {
    states.read(way[step]!, from)
    states.read(next, to)
    let line: string | undefined
    const tell = (reached: State, say: () => string): void => {
      if (line === undefined && reached.every((byte, index) => byte === to[index])) line = say()
    }
    world.step(from, {
      copy() {
        scratch.set(from)
        return scratch
      },
      add: tell,
      addFault: tell,
    })
    return line ?? '(nothing leads there)'
  })
}
