/** What `npm run check` does about a set of changed files. All paths are within the workspace, with `/`. */
export interface CheckPlan {
  /** Files that Prettier looks at. */
  readonly formatted: readonly string[]
  /** Files that ESLint looks at. */
  readonly linted: readonly string[]
  /** Projects whose tests run: those that reach one of the files, or all where `files` is empty. */
  readonly tested: readonly { readonly project: string; readonly files: readonly string[] }[]
}

/**
 * Tests are chosen by imports within a project that has a changed file. A file that no import reaches (a README, a manifest, golden bytes)
 * calls for all of its project. What other projects' tests would say, `npm test` knows.
 *
 * @param changed files that exist; deleted ones are seen by the compiler
 * @param projects their folders: `packages/wal`
 */
export function planCheck(changed: readonly string[], projects: readonly string[]): CheckPlan {
  const tested = projects.flatMap((project) => {
    const own = changed.filter((file) => file.startsWith(`${project}/`))
    if (own.length === 0) return []
    return [{ project, files: own.every((file) => file.endsWith('.ts')) ? own : [] }]
  })
  return {
    formatted: changed,
    linted: changed.filter((file) => file.endsWith('.ts')),
    tested,
  }
}
