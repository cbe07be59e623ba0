import { CorruptData } from './errors.ts'

/** Where one instance stands in its ledger. */
export interface Position {
  /** Last ledger sequence included, 1 or more. */
  readonly sequence: number
  /** Link of the batch at that sequence: 64 random bits, 16 hex digits. */
  readonly link: string
}

/** A batch of an instance, by its place in the ledger. */
export interface BatchPosition {
  readonly instance: number
  /** 1 or more. */
  readonly sequence: number
}

/**
 * Which state of the archive something reflects: for each instance the last ledger row it includes, by sequence and
 * link. Read in one consistent snapshot, hence closed under dependence.
 *
 * A cut whose link is not the archive's at that sequence stands in another history: the archive was restored from a
 * backup, or failed over to a lagging replica, and has written that sequence again [P65, P88].
 */
export interface Cut {
  /** Identity of the archive, 32 hex digits; a cut of another archive means nothing. */
  readonly archiveId: string
  /** By instance number; an instance that is not named stands at sequence 0. */
  readonly positions: ReadonlyMap<number, Position>
}

/** Link of an instance that has written nothing. */
export const LINK_NONE = '0'.repeat(16)

/** Sequence of one instance in a cut; 0 when it is not named. */
export function sequenceAt(cut: Cut, instance: number): number {
  return cut.positions.get(instance)?.sequence ?? 0
}

/** Link of one instance in a cut; `LINK_NONE` when it is not named. */
export function linkAt(cut: Cut, instance: number): string {
  return cut.positions.get(instance)?.link ?? LINK_NONE
}

/** Whether both name the same state of the same archive. */
export function equalCuts(a: Cut, b: Cut): boolean {
  return a.archiveId === b.archiveId && covers(a, b) && covers(b, a)
}

/**
 * Whether `a` includes everything `b` includes (same archive assumed). At the same sequence with another link it does
 * not; above it, the cuts alone cannot tell one history from another: the archive can.
 */
export function covers(a: Cut, b: Cut): boolean {
  for (const [instance, { sequence, link }] of b.positions) {
    if (sequenceAt(a, instance) < sequence) return false
    if (sequenceAt(a, instance) === sequence && linkAt(a, instance) !== link) return false
  }
  return true
}

/** How many ledger rows `behind` lacks to stand at `heads`. */
export function batchesBehind(behind: Cut, heads: Cut): number {
  let count = 0
  for (const [instance, { sequence }] of heads.positions) {
    count += Math.max(0, sequence - sequenceAt(behind, instance))
  }
  return count
}

/** `{archive 1a2b…, 1: 7, 2: 3}`: short, for people. */
export function formatCut(cut: Cut): string {
  const parts = sorted(cut).map(([instance, { sequence }]) => `${instance}: ${sequence}`)
  return `{archive ${cut.archiveId.slice(0, 8)}, ${parts.length > 0 ? parts.join(', ') : 'empty'}}`
}

/**
 * Canonical text of a cut, the same for equal cuts: `<archive id>` and `;<instance>=<sequence>.<link>` for each
 * instance, ascending. ASCII.
 */
export function encodeCut(cut: Cut): string {
  return [
    cut.archiveId,
    ...sorted(cut).map(([instance, { sequence, link }]) => `${instance}=${sequence}.${link}`),
  ].join(';')
}

/**
 * The inverse of {@link encodeCut}.
 *
 * @throws CorruptData when the text has another form
 */
export function decodeCut(text: string): Cut {
  const [archiveId = '', ...pairs] = text.split(';')
  if (!/^[0-9a-f]{32}$/.test(archiveId)) throw new CorruptData('cut: the archive id is not 32 hex digits')
  const positions = new Map<number, Position>()
  for (const pair of pairs) {
    const match = /^(\d{1,10})=(\d{1,16})\.([0-9a-f]{16})$/.exec(pair)
    const instance = Number(match?.[1])
    const sequence = Number(match?.[2])
    const link = match?.[3]
    if (!Number.isSafeInteger(instance) || !Number.isSafeInteger(sequence) || link === undefined) {
      throw new CorruptData('cut: not of the form <instance>=<sequence>.<link>')
    }
    positions.set(instance, { sequence, link })
  }
  return { archiveId, positions }
}

function sorted(cut: Cut): [number, Position][] {
  return [...cut.positions].filter(([, { sequence }]) => sequence > 0).sort(([a], [b]) => a - b)
}
