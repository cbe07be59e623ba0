import { CUT_RULES_LEFT_OUT } from './cuts/cut-rules-left-out.ts'
import * as cutScenarios from './cuts/cut-scenarios.ts'
import { cutRulesWith, type CutScenario } from './cuts/cut-rules.ts'
import { cutWorld } from './cuts/cut-world.ts'
import type { World } from './explore/world.ts'
import { RULES_LEFT_OUT } from './transaction/rules-left-out.ts'
import { rulesWith, type Store } from './transaction/rules.ts'
import type { Scenario } from './transaction/scenario.ts'
import * as scenariosLarge from './transaction/scenarios-large.ts'
import * as scenarios from './transaction/scenarios.ts'
import { transactionWorld } from './transaction/transaction-world.ts'

/** An exploration by name. */
export interface Run {
  readonly name: string
  readonly world: () => World
  /** What must be found; `undefined`: nothing must be. */
  readonly breaks: string | undefined
  /** The violation to look for, where others come with it. */
  readonly only: string | undefined
  /** It takes seconds, not minutes: the tests run it. */
  readonly isQuick: boolean
}

/** The ways to store that keep the protocol. */
const STORES: readonly Store[] = ['locked', 'guarded', 'immediate', 'certified']
/** Those that take longer than a test may. */
const SLOW = [
  'lossAndCollector, guarded',
  'lossAndCollector, certified',
  // Those judged by the letter have the same states.
  'lateWrite, guarded',
  'lateWrite, certified',
  'lateWriteTwoPasses, certified',
]

function holding(name: string, scenario: Scenario, store: Store, isQuick: boolean): Run {
  const world = () => transactionWorld(scenario, rulesWith({ store }))
  return { name, world, breaks: undefined, only: undefined, isQuick }
}

function holdingCut(name: string, scenario: CutScenario): Run {
  const isQuick = !/Long|retiredAndRaised/.test(name)
  return {
    name,
    world: () => cutWorld(scenario, cutRulesWith()),
    breaks: undefined,
    only: undefined,
    isQuick,
  }
}

/** The protocol with all its rules. */
export const PROTOCOL_RUNS: readonly Run[] = [
  ...Object.entries(scenarios).flatMap(([name, scenario]) =>
    STORES.map((store) => {
      const full = `${name}, ${store}`
      return holding(full, scenario, store, !SLOW.includes(full))
    }),
  ),
  ...Object.entries(scenariosLarge).flatMap(([name, scenario]) =>
    STORES.map((store) => holding(`${name}, ${store}`, scenario, store, false)),
  ),
  ...Object.entries(cutScenarios).map(([name, scenario]) => holdingCut(name, scenario)),
]

/** The protocol with a rule left out, or done in another way. */
export const LEFT_OUT_RUNS: readonly Run[] = [
  ...RULES_LEFT_OUT.map(({ name, scenario, changed, breaks, onlyThis }) => ({
    name,
    world: () => transactionWorld(scenarios[scenario], rulesWith(changed)),
    breaks,
    only: onlyThis === true ? breaks : undefined,
    isQuick: true,
  })),
  ...CUT_RULES_LEFT_OUT.map(({ name, scenario, changed, breaks, onlyThis }) => ({
    name,
    world: () => cutWorld(cutScenarios[scenario], cutRulesWith(changed)),
    breaks,
    only: onlyThis === true ? breaks : undefined,
    isQuick: true,
  })),
]

/** The same rules left out, with the other ways to store. */
export const OTHER_STORE_RUNS: readonly Run[] = RULES_LEFT_OUT.flatMap(
  ({ name, scenario, changed, breaks, spares = [] }): Run[] => {
    if (breaks === undefined || changed.store !== undefined) return []
    return STORES.filter((store) => store !== 'locked').map((store) => ({
      name: `${name} (${store})`,
      world: () => transactionWorld(scenarios[scenario], rulesWith({ ...changed, store })),
      breaks: spares.includes(store) ? undefined : breaks,
      only: undefined,
      isQuick: true,
    }))
  },
)

export const ALL_RUNS: readonly Run[] = [...PROTOCOL_RUNS, ...LEFT_OUT_RUNS, ...OTHER_STORE_RUNS]
