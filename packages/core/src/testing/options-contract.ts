import assert from 'node:assert/strict'
import type { FieldTable } from '../fields.ts'

/** A case of {@link optionsContract}; run it under the test runner of your choice. */
export interface OptionsContractCase {
  readonly title: string
  run(): Promise<void>
}

/**
 * What every call does with an object of options [P77].
 *
 * @param call passes the options on, beside everything else the call needs; its refusals are rejections
 * @param code of the refusals: `SE_INVALID_CONFIG` where options are read once, at the start
 * @param path where the object stands, with a point at the end: `limits.`
 */
export function optionsContract(
  table: FieldTable,
  call: (given: object) => Promise<unknown>,
  { code = 'SE_INVALID_INPUT', path = '' } = {},
): readonly OptionsContractCase[] {
  const names = Object.keys(table)
  return [
    {
      title: 'refuses a name that is none, and says which there are',
      async run() {
        for (const name of names) {
          const field = `${path}${name}s`
          const message = `${field}: is not a field; there are ${names.join(', ')}`
          await assert.rejects(call({ [`${name}s`]: 1 }), { code, field, message })
        }
      },
    },
    {
      title: 'refuses a value of another kind in every field',
      async run() {
        for (const name of names) {
          // No field takes a symbol; an object would do for a nested one.
          await assert.rejects(call({ [name]: Symbol(name) }), { code, field: `${path}${name}` }, name)
        }
      },
    },
  ]
}

/** The table of options that a README has between its marks; `undefined`: it has none of that name. */
export function optionsTableIn(readme: string, name: string): string | undefined {
  return new RegExp(`<!-- options of ${name} -->\n\n(.*?)\n\n<!-- end -->`, 's').exec(readme)?.[1]
}
