import { layOut } from '../explore/layout.ts'
import type { CutRules, CutScenario } from './cut-rules.ts'

export interface CutModel {
  readonly scenario: CutScenario
  readonly rules: CutRules
  readonly fields: CutFields
}

/** The archive stands twice in a state: as it is, and as the backup has it. */
export function layOutCuts({ instances, sequences }: CutScenario) {
  const rows = instances * (sequences + 1)
  const archive = layOut({
    isThere: instances,
    hasEnded: instances,
    last: instances,
    link: instances, // of the last row
    pruned: instances, // highest sequence that is gone
    prunedLink: instances,
    row: rows, // link of the row at [instance][sequence]; 0: none
    retired: rows, // a row of retirement: number, counted from 1
    retiredLast: rows,
    retiredLink: rows,
    content: 1, // bit per link of a batch: what the history has
  })
  const layout = layOut({
    violation: 1,
    archive: archive.byteCount,
    backup: archive.byteCount,
    hasBackup: 1,
    wasRestored: 1,
    nextLink: 1,
    restores: 1,
    remembered: instances, // highest sequence that its process ever had
    cut: instances, // the view's, by instance; 0: not in the cut
    cutLink: instances,
    applied: 1, // bit per link: what the view has applied
  })
  return { ...layout, archive, instances, sequences }
}

export type CutFields = ReturnType<typeof layOutCuts>

/** Where a field of the archive as it is lies. */
export function archiveAt(m: CutModel, field: keyof CutFields['archive']['at'], index = 0): number {
  return m.fields.at.archive + m.fields.archive.at[field] + index
}

/** Where a ledger row lies within the fields of rows. */
export function rowAt(m: CutModel, instance: number, sequence: number): number {
  return instance * (m.fields.sequences + 1) + sequence
}
