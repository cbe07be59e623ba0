import type { ItemWrite } from '@se/core'
import { itemOf } from '../item.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'

/** Memory gives the write to readers, and keeps it until the archive has it. A delete leaves nothing there. */
export function showInMemory(memory: Pick<MemoryTier, 'put'>, write: ItemWrite): void {
  if (write.bytes === undefined) return
  memory.put(itemOf({ ...write, bytes: write.bytes }), { isPinned: true })
}
