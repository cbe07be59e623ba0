import { StorageError } from '@se/core'

/**
 * Snapshot bytes are damaged, cut short, too long, of an unknown version or made with another hash
 * function. Nothing was restored. Build the filter anew from its keys; never use what could be read.
 */
export class CorruptSnapshot extends StorageError {
  override readonly name = 'CorruptSnapshot'
  readonly code = 'SE_CORRUPT_SNAPSHOT'
}

/** The filter was changed while a streamed snapshot of it was being read. Start the snapshot again. */
export class SnapshotInterrupted extends StorageError {
  override readonly name = 'SnapshotInterrupted'
  readonly code = 'SE_SNAPSHOT_INTERRUPTED'
}
