/** What this reads of one project's Vitest JSON report. */
export interface VitestReport {
  readonly success: boolean
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
    }[]
  }[]
}

export interface TestTotals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** `project: title`; the title carries the reason. */
  readonly skippedTitles: readonly string[]
  readonly failedTitles: readonly string[]
}

/**
 * Adds up the reports of all projects. A file that could not be loaded has no tests in its report: it counts as one failed test,
 * and so does a report that calls itself unsuccessful without naming a failed test (an error outside of any test).
 */
export function addUpReports(reports: Readonly<Record<string, VitestReport>>): TestTotals {
  let passed = 0
  const failedTitles: string[] = []
  const skippedTitles: string[] = []
  for (const [project, report] of Object.entries(reports)) {
    const failedBefore = failedTitles.length
    for (const file of report.testResults) {
      const failedInFile = file.assertionResults.filter(({ status }) => status === 'failed')
      for (const { fullName } of failedInFile) failedTitles.push(`${project}: ${fullName}`)
      if (file.status === 'failed' && failedInFile.length === 0) {
        failedTitles.push(`${project}: ${file.name} could not be run: ${file.message ?? 'no message'}`)
      }
      for (const { status, fullName } of file.assertionResults) {
        if (status === 'passed') passed++
        else if (status !== 'failed') skippedTitles.push(`${project}: ${fullName}`)
      }
    }
    if (!report.success && failedTitles.length === failedBefore) {
      failedTitles.push(`${project}: an error outside of any test`)
    }
  }
  return { passed, failed: failedTitles.length, skipped: skippedTitles.length, failedTitles, skippedTitles }
}

/** The line CI reads: the last one, alone, without colour. */
export function formatTotals({ passed, failed, skipped }: TestTotals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
