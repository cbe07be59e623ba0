/**
 * What it costs that values come back as they went in, and that readers get bytes of their own.
 *
 * Text: the check that JSON keeps a value, and its JSON text, beside the text alone.
 * Bytes: an item of memory with a copy of its bytes for each reader, beside one with shared bytes.
 */
import { defineCase, type ComparedCase } from '@se/bench'
import type { StoredItem } from '@se/core'
import { Item } from '../src/item.ts'
import { KeptItem } from '../src/kept-item.ts'
import { jsonText } from '../src/value/json-text.ts'

export const area = 'engine'

const BYTES_MAX = 8 * 1024 * 1024

class Person {
  readonly name = 'Alice'
  readonly email = 'alice@example.com'
  readonly age = 42
}

const line = (index: number) => ({
  sku: `sku-${index}`,
  quantity: index,
  price: index * 1.25,
  options: { color: 'red', size: null },
})
const VALUES: readonly (readonly [string, unknown])[] = [
  ['four-fields', { name: 'user 17', email: 'user17@example.com', active: true, n: 17 }],
  [
    'order',
    {
      id: 'order.1',
      customer: { name: 'Ålice', tags: ['a', 'b'] },
      lines: Array.from({ length: 20 }, (_, index) => line(index)),
      at: new Date(0),
    },
  ],
  ['1000-numbers', Array.from({ length: 1_000 }, (_, index) => index * 1.5)],
  ['10-instances', Array.from({ length: 10 }, () => new Person())],
]

const textCases = VALUES.map(([name, value]) =>
  defineCase({
    case: `engine.json-text.${name}`,
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const text = JSON.stringify(value)
      const rounds = Math.ceil(5e6 / text.length)
      let wrong = 0
      const timed = (write: () => string) => () => {
        let bytes = 0
        const startedMs = performance.now()
        for (let round = 0; round < rounds; round++) bytes += write().length
        const elapsedMs = performance.now() - startedMs
        if (bytes !== rounds * text.length) wrong++
        return (elapsedMs * 1e6) / rounds
      }
      return {
        ours: timed(() => jsonText(value, BYTES_MAX)),
        against: { 'JSON.stringify': timed(() => JSON.stringify(value)) },
        notes: () => [`${text.length} characters${wrong === 0 ? '' : '; WRONG TEXT'}`],
      }
    },
  }),
)

const bytesCases = [100, 1_000, 100_000].map((length) =>
  defineCase({
    case: `engine.item.bytes.${length}`,
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const bytes = new Uint8Array(length).fill(1)
      const kept = new KeptItem(stored(bytes), bytes)
      const rounds = Math.ceil(3e7 / (length + 300))
      let sum = 0
      const timed = (ownership: 'own' | 'shared') => () => {
        const startedMs = performance.now()
        for (let round = 0; round < rounds; round++) sum += new Item(kept, ownership, undefined).bytes[0]!
        return ((performance.now() - startedMs) * 1e6) / rounds
      }
      return {
        ours: timed('own'),
        against: { shared: timed('shared') },
        notes: () => [`an item and its first byte, ${length} B; ${sum > 0 ? 'read' : 'NOT READ'}`],
      }
    },
  }),
)

export const cases: readonly ComparedCase[] = [...textCases, ...bytesCases]

function stored(bytes: Uint8Array): StoredItem {
  return {
    id: 'user.alice',
    bytes,
    stamp: { time: 1, instance: 1 },
    version: 1,
    state: 'default',
    contentType: 'application/octet-stream',
    createdAtMs: 1,
    updatedAtMs: 1,
  }
}
