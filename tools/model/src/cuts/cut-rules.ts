/** The rules by which a view judges its cut: docs/protocols/transaction.md says what each is for. */
export const CUT_RULES = {
  /** A position is believed only where its link is the archive's there. */
  'links-compared': true,
  /** The link of the newest pruned row is kept. Otherwise a cut that stands exactly there has nothing to be compared with. */
  'pruned-link-kept': true,
  /** Who retires an instance says so in a ledger row of its own: number, last sequence, link. */
  'retirement-written': true,
  /** A number that falls out of the cut may have a new life: the retirements in its new rows are judged as well. */
  'new-life-judged': true,
  /** An instance of the cut that the archive does not have, and no such row explains, is in another history. */
  'unknown-refused': true,
} as const

export type CutRule = keyof typeof CUT_RULES

export type CutRules = Readonly<Record<CutRule, boolean>>

export function cutRulesWith(changed: Partial<CutRules> = {}): CutRules {
  return { ...CUT_RULES, ...changed }
}

/** What may happen while a view sleeps. */
export interface CutScenario {
  /** How many numbers of instances there are; each can be given again once its instance was retired. */
  readonly instances: number
  /** The first so many instances are there at the beginning. */
  readonly born: number
  /** Ledger rows that are ever written, those of lost histories counted. */
  readonly rows: number
  /** Of one instance, at most. */
  readonly sequences: number
  /** Rows are pruned, instances end and are retired. */
  readonly retires: boolean
  /** How often the archive may be restored; the backup is made once, at any time. */
  readonly restores: number
  /** A process that claims its instance after a restore raises it to the sequence it remembers. */
  readonly raises?: boolean
}
