import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  booleanField,
  fieldsMarkdown,
  integerField,
  nestedField,
  numberField,
  oneOfField,
  portField,
  readFields,
  refuseInput,
  stringField,
  stringsField,
} from './fields.ts'

const table = {
  url: stringField({ meaning: 'Where it is.', isRequired: true }),
  flush: nestedField(
    {
      itemsMax: integerField({ default: 1_000, min: 1, max: 10_000, meaning: 'Items a batch.' }),
      rate: numberField({ default: 0.5, min: 0, max: 1, meaning: 'A share.' }),
    },
    'How batches are cut.',
  ),
  isQuiet: booleanField({ default: false, meaning: 'Says nothing.' }),
  onFull: oneOfField({ allowed: ['wait', 'refuse'], default: 'wait', meaning: 'At the bound.' }),
  nodes: stringsField({ meaning: 'Where they are.' }),
  logger: portField<{ info(text: string): void }>({ methods: ['info'], what: 'a logger', meaning: 'Told.' }),
}

describe('one table for an options object', () => {
  it('fills in the defaults and keeps what was given', () => {
    expect(readFields('', { url: 'x', flush: { itemsMax: 7 } }, table)).toEqual({
      url: 'x',
      flush: { itemsMax: 7, rate: 0.5 },
      isQuiet: false,
      onFull: 'wait',
      nodes: undefined,
      logger: undefined,
    })
  })

  it.each([
    [{ url: 'x', flsh: {} }, 'flsh: is not a field; there are url, flush, isQuiet, onFull, nodes, logger'],
    [{ url: 'x', flush: { itemMax: 7 } }, 'flush.itemMax: is not a field; there are itemsMax, rate'],
    [{}, 'url: must be a non-empty string, not undefined'],
    [{ url: '' }, 'url: must be a non-empty string, not an empty one'],
    [{ url: 'x', flush: { itemsMax: 0 } }, 'flush.itemsMax: must be an integer from 1 to 10000, not 0'],
    [
      { url: 'x', flush: { itemsMax: '7' } },
      'flush.itemsMax: must be an integer from 1 to 10000, not a string',
    ],
    [{ url: 'x', flush: { rate: NaN } }, 'flush.rate: must be a number from 0 to 1, not NaN'],
    [{ url: 'x', flush: null }, 'flush: must be an object, not null'],
    [{ url: 'x', flush: 7 }, 'flush: must be an object, not 7'],
    [{ url: 'x', isQuiet: 'no' }, 'isQuiet: must be true or false, not a string'],
    [{ url: 'x', onFull: 'drop' }, 'onFull: must be one of wait, refuse, not a string'],
    [{ url: 'x', nodes: ['a', ''] }, 'nodes: must be a list of non-empty strings, not a list'],
    [{ url: 'x', logger: {} }, 'logger: must be a logger, not an object'],
    [null, 'options: must be an object, not null'],
    [['url'], 'options: must be an object, not a list'],
    [{ url: 'x', constructor: 1 }, 'constructor: is not a field'],
    [JSON.parse('{ "url": "x", "__proto__": 1 }'), '__proto__: is not a field'],
  ])('says what is wrong with %j [P77]', (given, message) => {
    expect(() => readFields('', given, table)).toThrow(message)
  })

  it('what is inherited counts as what is own does: taken, or refused by name [P77]', () => {
    class Options {
      readonly url = 'x'
      get onFull(): string {
        return 'refuse'
      }
      describe(): string {
        return 'a method is no field'
      }
    }
    expect(readFields('', new Options(), table)).toMatchObject({ url: 'x', onFull: 'refuse' })
    expect(readFields('', Object.create({ url: 'x', isQuiet: true }), table)).toMatchObject({ isQuiet: true })
    expect(readFields('', Object.assign(Object.create(null), { url: 'x' }), table)).toMatchObject({
      url: 'x',
    })
    expect(readFields('', runInNewContext('({ url: "x", isQuiet: true })'), table).isQuiet).toBe(true)
    expect(() => readFields('', Object.create({ url: 'x', isQuite: true }), table)).toThrow(
      'isQuite: is not a field',
    )
  })

  it.each([new Map([['onFull', 'refuse']]), new Set(['onFull']), new Uint8Array(0), new URLSearchParams()])(
    'a collection has no fields: %s [P77]',
    (given) => {
      const taken = { onFull: table.onFull }
      expect(() => readFields('', given, taken)).toThrow('must be an object with fields, not a collection')
    },
  )

  it('never prints a value that may be a secret', () => {
    const url = 'redis://user:geheim@host'
    expect(() => readFields('', { url: 'x', onFull: url }, table)).toThrow(/^onFull: (?!.*geheim)/)
  })

  it('makes the error that the caller asks for', () => {
    expect(() => readFields('options', { a: 1 }, {}, refuseInput)).toThrow(
      expect.objectContaining({ code: 'SE_INVALID_INPUT', field: 'options.a' }),
    )
    expect(() => readFields('options', { a: 1 }, {})).toThrow(
      expect.objectContaining({ code: 'SE_INVALID_CONFIG', field: 'options.a' }),
    )
  })

  it('prints the table of the README', () => {
    expect(fieldsMarkdown(table)).toBe(`| field | may be | default | meaning |
| --- | --- | --- | --- |
| \`url\` | non-empty string | _required_ | Where it is. |
| \`flush.itemsMax\` | integer from 1 to 10000 | 1000 | Items a batch. |
| \`flush.rate\` | number from 0 to 1 | 0.5 | A share. |
| \`isQuiet\` | true or false | false | Says nothing. |
| \`onFull\` | one of wait, refuse | wait | At the bound. |
| \`nodes\` | list of non-empty strings | – | Where they are. |
| \`logger\` | a logger | – | Told. |`)
  })
})
