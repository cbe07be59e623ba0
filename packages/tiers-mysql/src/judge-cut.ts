import {
  LINK_NONE,
  linkAt,
  sequenceAt,
  type Cut,
  type LedgerTail,
  type Position,
  type RetiredInstance,
} from '@se/core'
import type { InstanceHead, InstanceHeads } from './heads.ts'

/** Why the way from a cut to the heads is not known. */
export type Gap = Extract<LedgerTail, { kind: 'gap' }>['because']

/** A position of one instance. */
export interface PlacedPosition extends Position {
  readonly instance: number
}

/** What the heads alone say of a cut. */
export interface CutJudgement {
  /** `undefined`: nothing stands against it so far. */
  readonly because: Gap | undefined
  /** Positions in the middle of the ledger: the rows there must have these links. */
  readonly toProve: readonly PlacedPosition[]
  /** Instances that the archive does not have: a retirement beyond the cut must name exactly their positions. */
  readonly unexplained: ReadonlySet<number>
}

/**
 * Judges a cut by the heads: does each of its positions lie in this archive's history?
 *
 *   the archive's row        the cut's position         verdict
 *   none                     any                        a retirement must explain it
 *   last, link               above last                 ahead of the heads
 *   last, link               at last, another link      another history
 *   pruned, pruned link      at pruned, another link    another history
 *   pruned                   below pruned               pruned
 *   else                     between                    to be proved by the ledger row there
 */
export function judgeCut(from: Cut, heads: InstanceHeads): CutJudgement {
  const toProve: PlacedPosition[] = []
  const unexplained = new Set<number>()
  const refused = (because: Gap): CutJudgement => ({ because, toProve: [], unexplained: new Set() })
  if (from.archiveId !== heads.cut.archiveId) return refused('another-archive')
  for (const [instance, position] of from.positions) {
    const head = heads.instances.get(instance)
    if (position.sequence === 0) continue
    if (head === undefined) {
      unexplained.add(instance)
      continue
    }
    if (position.sequence > head.last_sequence) return refused('ahead-of-heads')
    const link = knownLink(head, position.sequence)
    if (link === undefined) {
      if (position.sequence > head.pruned_sequence) toProve.push({ instance, ...position })
    } else if (link !== position.link) {
      return refused('another-history')
    }
  }
  for (const [instance, pruned] of heads.prunedSequences) {
    if (sequenceAt(from, instance) < pruned) return refused('pruned')
  }
  return { because: undefined, toProve, unexplained }
}

/** The link at a sequence, where the instance's row has it. */
export function knownLink(
  head: Pick<InstanceHead, 'last_sequence' | 'link' | 'pruned_sequence' | 'pruned_link'>,
  sequence: number,
): string | undefined {
  if (sequence === 0) return LINK_NONE
  if (sequence === head.last_sequence) return head.link
  return sequence === head.pruned_sequence ? head.pruned_link : undefined
}

/**
 * Judges the positions to be proved by what the ledger has there.
 *
 * @param links by {@link positionKey}, of the ledger rows that exist
 */
export function judgeProofs(
  toProve: readonly PlacedPosition[],
  links: ReadonlyMap<string, string>,
): Gap | undefined {
  for (const position of toProve) {
    const link = links.get(positionKey(position))
    // A row that someone deleted by hand: what lay there is as unknown as if it had been pruned.
    if (link === undefined) return 'pruned'
    if (link !== position.link) return 'another-history'
  }
  return undefined
}

export function positionKey({ instance, sequence }: { instance: number; sequence: number }): string {
  return `${instance}/${sequence}`
}

/**
 * Judges a cut by the retirements beyond it. What was retired is pruned, so a cut that does not stand exactly where
 * the instance ended has missed something; and an instance gone without a word belongs to another history [P94].
 */
export function judgeRetirements(
  from: Cut,
  unexplained: ReadonlySet<number>,
  retired: readonly RetiredInstance[],
): Gap | undefined {
  const left = new Set(unexplained)
  for (const { instance, sequence, link } of retired) {
    if (sequenceAt(from, instance) < sequence) return 'pruned'
    if (sequenceAt(from, instance) === sequence && linkAt(from, instance) === link) left.delete(instance)
  }
  return left.size > 0 ? 'another-history' : undefined
}
