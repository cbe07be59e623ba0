import type { CutRules } from './cut-rules.ts'
import type * as cutScenarios from './cut-scenarios.ts'

/** A change of the rules for cuts, the scenario that shows it, and what then goes wrong. */
export interface CutLeftOut {
  readonly name: string
  readonly scenario: keyof typeof cutScenarios
  readonly changed: Partial<CutRules>
  readonly breaks: string
  /** Other violations, which come with it, are passed over. */
  readonly onlyThis?: boolean
}

const MISSED = 'the view has missed a batch, and believes'

export const CUT_RULES_LEFT_OUT: readonly CutLeftOut[] = [
  {
    name: 'links of a cut are not compared',
    scenario: 'restored',
    changed: { 'links-compared': false },
    breaks: MISSED,
  },
  {
    name: 'the link of the newest pruned row is not kept',
    scenario: 'retired',
    changed: { 'pruned-link-kept': false },
    breaks: MISSED,
  },
  {
    name: 'no ledger row tells of a retirement',
    scenario: 'retired',
    changed: { 'retirement-written': false },
    breaks: MISSED,
  },
  {
    name: 'no ledger row tells of a retirement, unknown instances are dropped, and the archive is restored',
    scenario: 'retired',
    changed: { 'retirement-written': false, 'unknown-refused': false },
    breaks: 'the view applied a batch twice',
    onlyThis: true,
  },
  {
    name: 'unknown instances are dropped from the cut',
    scenario: 'retired',
    changed: { 'unknown-refused': false },
    breaks: 'the view has a batch that the archive has not, and believes',
  },
  {
    name: 'retirements in the new life of a number are not judged',
    scenario: 'threeNumbers',
    changed: { 'new-life-judged': false },
    breaks: MISSED,
  },
]
