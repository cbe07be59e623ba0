import type { VerifyCall } from '../../call-options.ts'
import { verifyCache } from './cache.ts'
import { verifyFilter } from './filter.ts'
import { verifyMemory } from './memory.ts'
import type { VerifyPorts } from './ports.ts'
import type { VerifyReport } from './report.ts'
import { scanRows } from './scan-rows.ts'
import { verifyTree } from './tree.ts'

/** Compares every copy with the archive, each at a cut both stand at. */
export async function verify(ports: VerifyPorts, options: VerifyCall): Promise<VerifyReport> {
  const startedMs = ports.telemetry.clock.monotonicMs()
  const isDeep = options.deep
  const scan = isDeep ? await scanRows(ports) : undefined
  const views = [await verifyTree(ports, scan), await verifyFilter(ports, options)]
  if (scan !== undefined) views.push(verifyMemory(ports, options, scan))
  if (ports.cacheView !== undefined) views.push(await verifyCache(ports, ports.cacheView, options, scan))
  const durationMs = ports.telemetry.clock.monotonicMs() - startedMs
  const isTrusted = views.every((view) => view.isTrusted)
  ports.telemetry.observer.merkle?.({
    store: ports.archive.backend,
    operation: 'verify',
    status: isTrusted ? 'success' : 'error',
    durationMs,
  })
  return { isTrusted, isDeep, rowsRead: scan?.rowsRead ?? 0, views, durationMs }
}
