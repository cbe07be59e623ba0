import { describe, expect, it } from 'vitest'
import { planCheck } from './check-plan.ts'

const projects = ['packages/wal', 'packages/walks', 'apps/server']

describe('a check', () => {
  it('runs the tests that reach a changed file, of its project alone', () => {
    expect(planCheck(['packages/wal/src/log.ts'], projects).tested).toEqual([
      { project: 'packages/wal', files: ['packages/wal/src/log.ts'] },
    ])
  })

  it('runs all tests of a project where a file changed that no import reaches', () => {
    const changed = ['apps/server/src/app.ts', 'apps/server/README.md', 'packages/walks/src/a.ts']
    expect(planCheck(changed, projects).tested).toEqual([
      { project: 'packages/walks', files: ['packages/walks/src/a.ts'] },
      { project: 'apps/server', files: [] },
    ])
  })

  it('looks at the form of every file, and lints the sources among them, also outside of projects', () => {
    const plan = planCheck(['docs/errors.md', 'vitest.shared.ts'], projects)
    expect(plan).toEqual({
      formatted: ['docs/errors.md', 'vitest.shared.ts'],
      linted: ['vitest.shared.ts'],
      tested: [],
    })
  })
})
