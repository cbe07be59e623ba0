import { describe, expect, it, vi } from 'vitest'
import type { Cut, InstanceClaim } from '@se/core'
import { seededRandom } from '@se/core/testing'
import type { Telemetry } from '../telemetry.ts'
import { InstanceUpkeep, type InstanceUpkeepPorts } from './instance-upkeep.ts'
import { OwnLedger } from './own-ledger.ts'

const claim: InstanceClaim = {
  instance: 3,
  epoch: 1,
  nonce: '3'.padStart(32, '0'),
  lastSequence: 9,
  lastLink: '9'.padStart(16, '0'),
  maxStampTime: 0,
  birthId: '',
  archiveId: '',
  isRestored: false,
}

/** A retirement that failed, and where the archive stands when it is asked what became of it. */
function afterFailure({ isRetirementRunning = false }: { isRetirementRunning?: boolean } = {}) {
  let head: { sequence: number; link: string } = { sequence: claim.lastSequence, link: claim.lastLink }
  const onCommitted = vi.fn()
  const heads = async () => {
    const cut: Cut = { archiveId: '', positions: new Map([[claim.instance, head]]) }
    return { cut, prunedSequences: new Map(), nowMs: 0 }
  }
  const archive = { isRetirementRunning, touchInstance: async () => {}, readHeads: heads }
  const ledger = new OwnLedger({ archive, claim, random: seededRandom(1), onCommitted })
  const upkeep = new InstanceUpkeep({
    archive: archive as unknown as InstanceUpkeepPorts['archive'],
    ledger,
    telemetry: {} as Telemetry,
  })
  return { ledger, upkeep, onCommitted, stand: (at: typeof head) => void (head = at) }
}

describe('what became of a retirement that failed', () => {
  it('it is in', async () => {
    const { ledger, upkeep, onCommitted, stand } = afterFailure()
    const row = ledger.next
    stand(row)
    await upkeep.settleRetirement()
    expect(onCommitted).toHaveBeenCalledWith(row)
    expect(ledger.next.sequence).toBe(row.sequence + 1)
  })

  it('it is out: the sequence is free for another row, with a link of its own [P95]', async () => {
    const { ledger, upkeep, onCommitted } = afterFailure()
    const row = ledger.next
    await upkeep.settleRetirement()
    expect(onCommitted).not.toHaveBeenCalled()
    expect(ledger.next.sequence).toBe(row.sequence)
    expect(ledger.next.link).not.toBe(row.link)
  })

  it('it still runs: nothing is known yet, and nothing else may be sent under its sequence [P61]', async () => {
    const { ledger, upkeep } = afterFailure({ isRetirementRunning: true })
    const row = ledger.next
    await expect(upkeep.settleRetirement()).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    expect(ledger.next).toBe(row)
  })

  it('another row stands at its sequence: it is not taken for ours [P92, P95]', async () => {
    const { ledger, upkeep, onCommitted, stand } = afterFailure()
    stand({ sequence: ledger.next.sequence, link: 'f'.repeat(16) })
    await expect(upkeep.settleRetirement()).rejects.toMatchObject({ code: 'SE_INSTANCE_FENCED' })
    expect(onCommitted).not.toHaveBeenCalled()
  })
})
