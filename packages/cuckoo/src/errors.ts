import { StorageError } from '@se/core'

/**
 * Snapshot bytes are damaged, cut short, too long, of an unknown version or made with another hash
 * function. Nothing was restored. Build the filter anew from its keys; never use what could be read.
 */
export class CorruptSnapshot extends StorageError {
  override readonly name = 'CorruptSnapshot'
  readonly code = 'SE_CORRUPT_SNAPSHOT'
}

/** The platform refused the memory for the slots of a filter. Nothing was made; ask for a smaller one. */
export class OutOfMemory extends StorageError {
  override readonly name = 'OutOfMemory'
  readonly code = 'SE_OUT_OF_MEMORY'
}

/** The filter was changed while a streamed snapshot of it was being read. Start the snapshot again. */
export class SnapshotInterrupted extends StorageError {
  override readonly name = 'SnapshotInterrupted'
  readonly code = 'SE_SNAPSHOT_INTERRUPTED'
}
