import type { VerifyCall } from '../../call-options.ts'
import { MEMORY_CHANGED } from './copies.ts'
import type { VerifyPorts } from './ports.ts'
import { report, type ViewReport } from './report.ts'
import type { Scan } from './scan-rows.ts'

/** Memory's items beside the rows of the same stamp; and those of which the archive has nothing as new. */
export function verifyMemory(ports: VerifyPorts, options: VerifyCall, scan: Scan): ViewReport {
  const { memoryDifferences, memoryCompared } = scan
  const { memory } = ports
  const isRepair = options.repair ?? false
  // What is dropped is read again from below.
  const repaired = isRepair ? memoryDifferences.filter(({ id }) => memory.drop(id)).length : 0
  const count = memoryDifferences.length
  const changed = memoryDifferences.filter(({ what }) => what === MEMORY_CHANGED).length
  return report('memory', ports, {
    isTrusted: count === 0 || isRepair,
    because: count === 0 ? 'every item equals the row of its stamp' : `${count} items differ from their rows`,
    digest: `${memoryCompared - changed} items equal their rows`,
    expected: `${memoryCompared} items equal their rows`,
    differences: memoryDifferences.map(({ id, what }) => ({ kind: 'id', id, what })),
    repaired,
  })
}
