import { describe, expect, it } from 'vitest'
import { explore, HOPELESS } from './explore.ts'
import type { Moves, World } from './world.ts'

/** Goal: the explorer finds what is there, by the shortest way, and calls nothing hopeless that is not. Method: small graphs. */

/** A graph of single bytes: `3!` is an edge that is a fault. */
function graph(
  edges: Readonly<Record<number, readonly string[]>>,
  ends: readonly number[],
  wrong?: number,
): World {
  return {
    byteCount: 1,
    first: () => Uint8Array.of(0),
    step(state, moves: Moves) {
      for (const edge of edges[state[0]!] ?? []) {
        const next = moves.copy()
        next[0] = Number.parseInt(edge, 10)
        const say = () => `to ${edge}`
        if (edge.endsWith('!')) moves.addFault(next, say)
        else moves.add(next, say)
      }
    },
    violationIn: (state) => (state[0] === wrong ? 'wrong' : undefined),
    isEnd: (state) => ends.includes(state[0]!),
  }
}

describe('explore', () => {
  it('visits every state once, and is content where an end can be reached from all of them', () => {
    expect(explore(graph({ 0: ['1', '2'], 1: ['3'], 2: ['3', '0'] }, [3]))).toEqual({
      stateCount: 4,
      endCount: 1,
      hopelessCount: 0,
      finding: undefined,
      isCut: false,
    })
  })

  it('tells the shortest way to a violation', () => {
    const world = graph({ 0: ['1', '2'], 1: ['4'], 2: ['3'], 3: ['9'], 4: ['5'], 5: ['9'] }, [9], 9)
    expect(explore(world).finding).toEqual({ violation: 'wrong', trace: ['to 2', 'to 3', 'to 9'] })
  })

  it('tells the first state from which no end can be reached, also where others follow it for ever', () => {
    const { finding, hopelessCount } = explore(graph({ 0: ['1', '2'], 1: ['3'], 3: ['1'] }, [2]))
    expect(finding).toEqual({ violation: HOPELESS, trace: ['to 1'] })
    expect(hopelessCount).toBe(2)
  })

  it('takes no fault for a way out, but goes where it leads', () => {
    const { finding, hopelessCount, stateCount } = explore(graph({ 0: ['1!', '2'], 1: ['2!'] }, [2]))
    expect(finding).toEqual({ violation: HOPELESS, trace: ['to 1!'] })
    expect({ hopelessCount, stateCount }).toEqual({ hopelessCount: 1, stateCount: 3 })
  })

  it('passes over other violations than the one it is asked for', () => {
    const world = graph({ 0: ['1', '2'], 1: ['3'] }, [2, 3], 1)
    expect(explore(world, { only: 'another' }).finding).toEqual({ violation: HOPELESS, trace: ['to 1'] })
  })

  it('says so when it gives up', () => {
    const endless: World = {
      ...graph({}, []),
      byteCount: 2,
      first: () => new Uint8Array(2),
      step(_, moves) {
        const next = moves.copy()
        next[0]!++
        if (next[0] === 0) next[1]!++
        moves.add(next, () => 'on')
      },
    }
    expect(explore(endless, { statesMax: 1000 })).toMatchObject({ isCut: true, finding: undefined })
  })
})
