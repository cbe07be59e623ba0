import { CorruptData } from './errors.ts'

/**
 * Which state of the archive something reflects: for each instance the last ledger sequence it includes.
 * Read in one consistent snapshot, hence closed under dependence.
 */
export interface Cut {
  /** Identity of the archive, 32 hex digits; a cut of another archive means nothing. */
  readonly archiveId: string
  /** Ledger sequence by instance number; an instance that is not named stands at 0. */
  readonly sequences: ReadonlyMap<number, number>
}

/** Sequence of one instance in a cut; 0 when it is not named. */
export function sequenceAt(cut: Cut, instance: number): number {
  return cut.sequences.get(instance) ?? 0
}

/** Whether both name the same state of the same archive. */
export function equalCuts(a: Cut, b: Cut): boolean {
  return a.archiveId === b.archiveId && covers(a, b) && covers(b, a)
}

/** Whether `a` includes everything `b` includes (same archive assumed). */
export function covers(a: Cut, b: Cut): boolean {
  for (const [instance, sequence] of b.sequences) if (sequenceAt(a, instance) < sequence) return false
  return true
}

/** How many ledger rows `behind` lacks to stand at `heads`. */
export function batchesBehind(behind: Cut, heads: Cut): number {
  let count = 0
  for (const [instance, sequence] of heads.sequences) {
    count += Math.max(0, sequence - sequenceAt(behind, instance))
  }
  return count
}

/** `{archive 1a2b…, 1: 7, 2: 3}`: short, for people. */
export function formatCut(cut: Cut): string {
  const parts = sorted(cut).map(([instance, sequence]) => `${instance}: ${sequence}`)
  return `{archive ${cut.archiveId.slice(0, 8)}, ${parts.length > 0 ? parts.join(', ') : 'empty'}}`
}

/**
 * Canonical text of a cut, the same for equal cuts: `<archive id>` and `;<instance>=<sequence>` for each
 * instance above 0, ascending. ASCII.
 */
export function encodeCut(cut: Cut): string {
  return [cut.archiveId, ...sorted(cut).map(([instance, sequence]) => `${instance}=${sequence}`)].join(';')
}

/**
 * The inverse of {@link encodeCut}.
 *
 * @throws CorruptData when the text has another form
 */
export function decodeCut(text: string): Cut {
  const [archiveId = '', ...pairs] = text.split(';')
  if (!/^[0-9a-f]{32}$/.test(archiveId)) throw new CorruptData('cut: the archive id is not 32 hex digits')
  const sequences = new Map<number, number>()
  for (const pair of pairs) {
    const match = /^(\d{1,10})=(\d{1,16})$/.exec(pair)
    const instance = Number(match?.[1])
    const sequence = Number(match?.[2])
    if (!Number.isSafeInteger(instance) || !Number.isSafeInteger(sequence)) {
      throw new CorruptData('cut: not of the form <instance>=<sequence>')
    }
    sequences.set(instance, sequence)
  }
  return { archiveId, sequences }
}

function sorted(cut: Cut): [number, number][] {
  return [...cut.sequences].filter(([, sequence]) => sequence > 0).sort(([a], [b]) => a - b)
}
