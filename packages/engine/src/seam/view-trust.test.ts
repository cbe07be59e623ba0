import { describe, expect, it } from 'vitest'
import type { TrustEvent as ReportedTrust } from '../observer/events.ts'
import type { TrustEvent } from './trust.ts'
import { ViewTrust } from './view-trust.ts'

const EQUAL: TrustEvent = { kind: 'compared', isEqual: true, detail: '' }
const DIFFERENT: TrustEvent = { kind: 'compared', isEqual: false, detail: 'one id more' }
const LOST: TrustEvent = { kind: 'lost', because: 'gap' }

function newTrust(): { readonly trust: ViewTrust; readonly reported: ReportedTrust[] } {
  const reported: ReportedTrust[] = []
  return { trust: new ViewTrust('filter', { trust: (event) => void reported.push(event) }), reported }
}

describe('the trust of a view', () => {
  it('says of each event whether trust was gained or lost, or is judged for the first time', () => {
    const { trust } = newTrust()
    const said = [LOST, DIFFERENT, EQUAL, EQUAL, LOST, LOST].map((event) => trust.change(event))
    expect(said).toEqual([true, false, true, false, true, false])
  })

  it('is not there for contents that nothing is known of, whatever was known of others [P26, P27]', () => {
    const { trust, reported } = newTrust()
    trust.change(EQUAL)
    trust.forget()
    expect(trust.now).toEqual({ isTrusted: false, because: 'not compared yet' })
    expect(trust.change(DIFFERENT)).toBe(true)
    expect(reported).toEqual([])
  })

  it('is reported with its proof, or with why there is none', () => {
    const { trust, reported } = newTrust()
    trust.change(EQUAL)
    trust.report('sums are equal', 'cut 1')
    trust.change(DIFFERENT)
    trust.report('sums are equal')
    expect(reported).toEqual([
      { view: 'filter', isTrusted: true, because: 'sums are equal', cut: 'cut 1' },
      { view: 'filter', isTrusted: false, because: 'one id more' },
    ])
  })
})
