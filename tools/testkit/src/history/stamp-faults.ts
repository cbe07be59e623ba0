import { formatStamp, isNewer, type Stamp } from '@se/core'
import { itemsOf, type Floors } from './floors.ts'
import type { Operation } from './operation.ts'
import { newerMark } from './rising-floor.ts'
import type { Anomaly } from './verdict.ts'
import type { Write, Writes } from './writes.ts'

/** Rule 7: one stamp a write, never older than its receipt, and above all that its process knew of the id. */
export function findStampFaults(
  operations: readonly Operation[],
  writes: Writes,
  floors: Floors,
): readonly Anomaly[] {
  const faults: Anomaly[] = []
  const owners = new Map<string, Write>()
  const claim = (write: Write, stamp: Stamp, operation: Operation) => {
    const key = formatStamp(stamp)
    const owner = owners.get(key)
    if (owner === undefined) owners.set(key, write)
    else if (owner !== write) {
      faults.push({ kind: 'stamp', id: write.id, operation, item: null, other: owner.operation })
    }
  }
  for (const write of writes.all) {
    const { id, operation, stamp } = write
    if (stamp === undefined) continue
    claim(write, stamp, operation)
    const known = newerMark(
      floors.own(operation, id, operation.beganUs),
      floors.read(operation, id, operation.beganUs),
    )
    if (known !== undefined && !isNewer(stamp, known.stamp)) {
      faults.push({ kind: 'stamp', id, operation, item: null, floor: known, other: known.because })
    }
  }
  for (const operation of operations) {
    for (const [id, item] of itemsOf(operation)) {
      const write = item === null ? undefined : writes.ofValue(item.value, operation.endedUs!)
      if (item === null || write?.id !== id) continue
      claim(write, item.stamp, operation)
      if (write.stamp !== undefined && isNewer(write.stamp, item.stamp)) {
        faults.push({ kind: 'stamp', id, operation, item, other: write.operation })
      }
    }
  }
  return faults
}
