import type { VerifyCall } from '../../call-options.ts'
import type { ViewReport, WrongCopy } from '../../seam/view-report.ts'
import { verifyFilter } from './filter.ts'
import { MemoryComparison } from './memory.ts'
import type { VerifyPorts } from './ports.ts'

export interface VerifyReport {
  /** Every view is trusted, and nothing differs that was not repaired. */
  readonly isTrusted: boolean
  readonly isDeep: boolean
  /** Rows digested anew; 0 unless deep. */
  readonly rowsRead: number
  readonly views: readonly ViewReport[]
  readonly durationMs: number
}

/** Compares every copy with the archive, each at a cut both stand at. */
export async function verify(ports: VerifyPorts, options: VerifyCall): Promise<VerifyReport> {
  const { back, poll, telemetry } = ports
  const startedMs = telemetry.clock.monotonicMs()
  const memory = options.deep ? new MemoryComparison(ports) : undefined
  const { tree, scan } = await back.ask('verify-tree', { isDeep: options.deep }, (rows) =>
    memory?.compare(rows),
  )
  let wrongEntries: readonly WrongCopy[] = []
  if (scan !== undefined && scan.suspects.length > 0) {
    await poll.now()
    wrongEntries = await back.ask('look-again', { rows: scan.suspects })
  }
  await memory?.findLost()
  const views: ViewReport[] = [tree, await verifyFilter(ports, options)]
  if (memory !== undefined) views.push(memory.report(ports, options))
  const cache = await back.ask('verify-cache', { isRepair: options.repair, wrongEntries })
  if (cache !== undefined) views.push(cache)
  const durationMs = telemetry.clock.monotonicMs() - startedMs
  const isTrusted = views.every((view) => view.isTrusted)
  telemetry.observer.merkle?.({
    store: ports.archive.backend,
    operation: 'verify',
    status: isTrusted ? 'success' : 'error',
    durationMs,
  })
  return { isTrusted, isDeep: options.deep, rowsRead: scan?.rowsRead ?? 0, views, durationMs }
}
