import { InvariantViolation, TierUnavailable } from '@se/core'
import { expect, it } from 'vitest'
import { BackClient } from './back-client.ts'
import { directChannel } from './channel.ts'
import type { ToBack } from './messages.ts'

function createClient() {
  const sent: ToBack[] = []
  return { sent, client: new BackClient({ send: (message) => void sent.push(message) }) }
}

it('gives each question a number of its own, and each answer to the one who asked', async () => {
  const { sent, client } = createClient()
  const fate = client.ask('fate', {})
  const retired = client.ask('retire', { deadBeforeMs: 7 })
  expect(sent).toEqual([
    { kind: 'fate', call: 1 },
    { kind: 'retire', call: 2, deadBeforeMs: 7 },
  ])
  client.take({ kind: 'done', call: 2, value: 3 })
  client.take({ kind: 'failed', call: 1, error: new TierUnavailable('no answer') })
  await expect(retired).resolves.toBe(3)
  await expect(fate).rejects.toThrow('no answer')
})

it('refuses a second answer, and one to nothing that was asked', async () => {
  const { client } = createClient()
  const fate = client.ask('fate', {})
  client.take({ kind: 'done', call: 1, value: 'in' })
  expect(() => client.take({ kind: 'done', call: 1, value: 'out' })).toThrow(InvariantViolation)
  expect(() => client.take({ kind: 'done', call: 9, value: 'out' })).toThrow(InvariantViolation)
  await expect(fate).resolves.toBe('in')
})

it('gives rows to the one who asked for them, and asks for more once they are taken', async () => {
  const { sent, client } = createClient()
  const seen: string[] = []
  const verified = client.ask('verify-tree', { isDeep: true }, (rows) => {
    seen.push(...rows.map(({ id }) => id))
    expect(sent).toHaveLength(seen.length)
  })
  const stamp = { time: 1, instance: 1 } as never
  client.take({ kind: 'rows', call: 1, rows: [{ id: 'a', stamp, digest: undefined }] })
  client.take({ kind: 'rows', call: 1, rows: [{ id: 'b', stamp, digest: undefined }] })
  client.take({ kind: 'done', call: 1, value: 'the report' })
  expect(seen).toEqual(['a', 'b'])
  expect(sent.slice(1)).toEqual([
    { kind: 'more', call: 1 },
    { kind: 'more', call: 1 },
  ])
  await expect(verified).resolves.toBe('the report')
})

it('in one thread delivers in the turn of sending, to whom it is for, and only where both are there', () => {
  const { front, back } = directChannel()
  const heard: string[] = []
  expect(() => front.send({ kind: 'give-up' })).toThrow(InvariantViolation)
  back.onMessage(({ kind }) => void heard.push(`back ${kind}`))
  front.onMessage(({ kind }) => void heard.push(`front ${kind}`))
  front.send({ kind: 'give-up' })
  back.send({ kind: 'set-back' })
  expect(heard).toEqual(['back give-up', 'front set-back'])
})
