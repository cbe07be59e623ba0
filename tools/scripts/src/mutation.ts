import type { VitestReport } from './test-report.ts'

/**
 * One deliberate defect and the test that must notice it. `mutants.ts` of a package, app or tool exports `mutants: Mutant[]`.
 */
export interface Mutant {
  /** The file to damage, relative to the package. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** The Vitest file that must fail then, relative to the package. */
  readonly test: string
  /** Only tests whose title matches this pattern (Vitest's `-t`). */
  readonly title?: string
}

/** A mutant cannot be applied, or its test shows nothing; the message says which and why. */
export class MutantInvalid extends Error {
  override readonly name = 'MutantInvalid'
  readonly code = 'SE_MUTANT_INVALID'
}

/** @throws MutantInvalid naming the entry and the field */
export function parseMutants(value: unknown, source: string): Mutant[] {
  if (!Array.isArray(value)) throw new MutantInvalid(`${source}: must export mutants, a list`)
  return value.map((entry: unknown, index) => {
    const fields = (entry ?? {}) as Record<string, unknown>
    for (const field of ['file', 'find', 'replace', 'test'] as const) {
      if (typeof fields[field] !== 'string' || (field !== 'replace' && fields[field] === '')) {
        throw new MutantInvalid(`${source}: mutants[${index}].${field} must be a text`)
      }
    }
    if (fields.title !== undefined && typeof fields.title !== 'string') {
      throw new MutantInvalid(`${source}: mutants[${index}].title must be a text`)
    }
    return entry as Mutant
  })
}

/** @throws MutantInvalid when `find` does not occur exactly once, or the replacement changes nothing */
export function applyMutant(source: string, mutant: Mutant): string {
  const parts = source.split(mutant.find)
  if (parts.length !== 2) {
    throw new MutantInvalid(`${mutant.file}: '${mutant.find}' occurs ${parts.length - 1} times, not once`)
  }
  if (mutant.find === mutant.replace)
    throw new MutantInvalid(`${mutant.file}: the replacement changes nothing`)
  return parts.join(mutant.replace)
}

/** What one run of Vitest showed: `by` says who failed. */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly by: string }
  | { readonly kind: 'nothing-ran'; readonly because: string }

/**
 * A file that cannot be loaded shows nothing: a defect that is no valid program, or has no such export, would be "noticed" by any test.
 *
 * @param report `undefined` when Vitest was ended before it could write one
 */
export function outcomeOf(report: VitestReport | undefined): Outcome {
  if (report === undefined) return { kind: 'failed', by: 'the time limit' }
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = results.find(({ status }) => status === 'failed')
  if (failed !== undefined) return { kind: 'failed', by: failed.fullName }
  const unloaded = report.testResults.find(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  if (unloaded !== undefined) return { kind: 'nothing-ran', because: unloaded.message ?? 'no message' }
  if (!report.success) return { kind: 'failed', by: 'an error outside of any test' }
  if (results.some(({ status }) => status === 'passed')) return { kind: 'passed' }
  return { kind: 'nothing-ran', because: 'no test has such a title, or all were skipped' }
}
