import { describe, expect, it } from 'vitest'
import { addUpReports, formatTotals, type VitestReport } from './test-report.ts'

const report = (success: boolean, testResults: VitestReport['testResults']): VitestReport => ({
  success,
  testResults,
})
const file = (status: string, ...tests: [string, string][]) => ({
  name: '/x.test.ts',
  status,
  message: 'broken import',
  assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
})

describe('the totals of all projects', () => {
  it('counts passed, failed, and every kind of not run', () => {
    const totals = addUpReports({
      core: report(true, [
        file('passed', ['a', 'passed'], ['b', 'skipped'], ['c', 'todo'], ['d', 'pending']),
      ]),
      wal: report(false, [file('failed', ['e', 'failed'], ['f', 'passed'])]),
    })
    expect(formatTotals(totals)).toBe('2 passed, 1 failed, 3 skipped')
    expect(totals.failedTitles).toEqual(['wal: e'])
    expect(totals.skippedTitles).toEqual(['core: b', 'core: c', 'core: d'])
  })

  it('counts a file that could not be loaded as failed, because it has no tests to count', () => {
    const totals = addUpReports({ wal: report(false, [file('failed')]) })
    expect(formatTotals(totals)).toBe('0 passed, 1 failed, 0 skipped')
    expect(totals.failedTitles[0]).toContain('broken import')
  })

  it('counts an error outside of any test as failed', () => {
    const totals = addUpReports({ wal: report(false, [file('passed', ['a', 'passed'])]) })
    expect(formatTotals(totals)).toBe('1 passed, 1 failed, 0 skipped')
  })
})
