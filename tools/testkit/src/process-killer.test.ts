// Goal: what a killed child has acknowledged is known exactly, and the moment of the kill can be repeated.
import { seededRandom } from '@se/core/testing'
import { afterEach, expect, test } from 'vitest'
import { ChildEndedEarly } from './errors.ts'
import { startKillableProcess, type KillableProcess } from './process-killer.ts'
import { seed } from './seed.ts'
import { identifyProcess } from './services/process-identity.ts'

const file = new URL('../test/children/count.ts', import.meta.url)
const children: KillableProcess[] = []

function start(...args: string[]): KillableProcess {
  const child = startKillableProcess({ file, args })
  children.push(child)
  return child
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()))
})

/** Complete lines only, in order, none missing. */
function expectUnbroken(lines: readonly string[]): void {
  expect(lines).toEqual(lines.map((_, index) => `acknowledged ${index}`))
}

test('kills on a line, with SIGKILL', async () => {
  const child = start()
  expect(identifyProcess(child.pid)).toBeDefined()
  expect(await child.killOnLine('acknowledged 20')).toEqual({ code: null, signal: 'SIGKILL' })
  expect(identifyProcess(child.pid)).toBeUndefined()
  expect(child.lines.length).toBeGreaterThan(20)
  expectUnbroken(child.lines)
})

test('kills at a random moment after a line', async () => {
  const random = seededRandom(seed('kill at a random moment'))
  const child = start()
  const end = await child.killAtRandomMoment({ random, withinMs: 30, afterLine: /^acknowledged 3$/ })
  expect(end).toEqual({ code: null, signal: 'SIGKILL' })
  expect(child.lines.length).toBeGreaterThan(3)
  expectUnbroken(child.lines)
})

test('waits for lines already read and still to come, and talks to the child', async () => {
  const child = start()
  expect(await child.waitForLine((line) => line.endsWith(' 5'))).toBe('acknowledged 5')
  expect(await child.waitForLine('acknowledged 0')).toBe('acknowledged 0')
  child.send('hello')
  expect(await child.waitForLine('heard')).toBe('heard hello')
  expect(await child.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' })
})

test('reports a child that ends by itself, with what it complained about', async () => {
  const child = start('fail')
  const waiting = child.waitForLine('acknowledged')
  await expect(waiting).rejects.toThrow(ChildEndedEarly)
  await expect(waiting).rejects.toThrow(/exit code 3.*failed on demand/s)
  expect(await child.killOnLine('never')).toEqual({ code: 3, signal: null })
  await expect(child.waitForLine('too late')).rejects.toThrow(ChildEndedEarly)
})

test('reports a file that is not there', async () => {
  const child = startKillableProcess({ file: '/no/such/file.ts' })
  await expect(child.waitForLine('x')).rejects.toThrow(/Cannot find module/)
})

test('refuses a time that is none', () => {
  const random = seededRandom(1)
  expect(() => start().killAtRandomMoment({ random, withinMs: Number.NaN })).toThrow(/withinMs/)
})
