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
 * @param call passes the options on, beside whatever else the call needs
 */
export function optionsContract(
  table: FieldTable,
  call: (given: object) => Promise<unknown>,
): readonly OptionsContractCase[] {
  const names = Object.keys(table)
  const code = 'SE_INVALID_INPUT'
  return [
    {
      title: 'refuses a name that is none, and says which there are',
      async run() {
        for (const name of names) {
          const message = `${name}s: is not a field; there are ${names.join(', ')}`
          await assert.rejects(call({ [`${name}s`]: 1 }), { code, message })
        }
      },
    },
    {
      title: 'refuses a value of another kind in every field',
      async run() {
        for (const name of names) await assert.rejects(call({ [name]: {} }), { code, field: name }, name)
      },
    },
  ]
}

/** The table of options that a README has between its marks; `undefined`: it has none of that name. */
export function optionsTableIn(readme: string, name: string): string | undefined {
  return new RegExp(`<!-- options of ${name} -->\n\n(.*?)\n\n<!-- end -->`, 's').exec(readme)?.[1]
}
