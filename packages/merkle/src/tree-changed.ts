import { StorageError } from '@se/core'

/**
 * A side of a diff changed while it was read: the sums of a node are no longer those of what is below it.
 * Nothing was changed; ask again, of a snapshot or while no process writes.
 */
export class TreeChanged extends StorageError {
  override readonly name = 'TreeChanged'
  readonly code = 'SE_TREE_CHANGED'
}
