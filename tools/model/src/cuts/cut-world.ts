import type { World } from '../explore/world.ts'
import { stepArchive } from './archive.ts'
import { archiveAt, layOutCuts, type CutModel } from './cut-fields.ts'
import type { CutRules, CutScenario } from './cut-rules.ts'
import { CUT_VIOLATIONS, stepView } from './view.ts'

/** A view that sleeps over an archive whose rows are pruned, whose instances are retired, and which is restored. */
export function cutWorld(scenario: CutScenario, rules: CutRules): World {
  const m: CutModel = { scenario, rules, fields: layOutCuts(scenario) }
  const { at, byteCount } = m.fields
  return {
    byteCount,
    first() {
      const state = new Uint8Array(byteCount)
      for (let instance = 0; instance < scenario.born; instance++)
        state[archiveAt(m, 'isThere', instance)] = 1
      state[at.nextLink] = 1
      state[at.restores] = scenario.restores
      return state
    },
    step(state, moves) {
      stepArchive(m, state, moves)
      stepView(m, state, moves)
    },
    violationIn: (state) => CUT_VIOLATIONS[state[at.violation]!] || undefined,
    isEnd: undefined,
  }
}
