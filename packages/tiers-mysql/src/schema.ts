/**
 * The archive's tables as Kysely sees them. Drawn in docs/formats/archive-tables.md.
 *
 * `sync_items` is not here: its statements are the hot ones and belong to each dialect, by `ITEM_COLUMNS`.
 */
export interface ArchiveTables {
  sync_instances: {
    number: number
    epoch: number
    nonce: string
    last_sequence: number
    link: string
    pruned_sequence: number
    pruned_link: string
    max_stamp: number
    floor: number
    attempt: number
    state: InstanceState
    claimed_at: number
    seen_at: number
  }
  sync_ledger: {
    instance: number
    sequence: number
    link: string
    kind: number
    committed_at: number
    entries: Uint8Array
  }
  sync_tree: {
    branch: number
    page: number
    leaves: Uint8Array
  }
  sync_meta: {
    name: MetaName
    value: string
  }
}

export type InstanceRow = ArchiveTables['sync_instances']

/** `ended`: stopped in order; no process will write under the number before it is claimed again. */
export type InstanceState = 'active' | 'ended'

/** The facts of `sync_meta`: an archive has all of them, from its making on. */
export const META_NAMES = [
  'birth_id',
  'archive_id',
  'branches',
  'digest_key',
  'collection_floor',
  'last_number',
  'tree_cut',
] as const
export type MetaName = (typeof META_NAMES)[number]

/**
 * Columns of `sync_items`, in the order in which statements name and bind them. The value is the last one: SQLite finds
 * a column behind a long value by walking through it.
 */
export const ITEM_COLUMNS = [
  'id',
  'stamp',
  'instance',
  'version',
  'state',
  'content_type',
  'digest',
  'created_at',
  'batch_sequence',
  'batch_instance',
  'value',
] as const
