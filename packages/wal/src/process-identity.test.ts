import { describe, expect, it } from 'vitest'
import { judgeHolder, type Evidence, type ProcessIdentity, type Verdict } from './process-identity.ts'

/** Goal: nobody is judged by facts that are another's. Method: the table of all that can be found out. */

const self: ProcessIdentity = { pid: 5, bootId: 'boot', startTime: '50', namespaces: 'pid:1 time:1' }
const here: ProcessIdentity = { ...self, pid: 7, startTime: '70' }
const elsewhere: ProcessIdentity = { ...here, namespaces: 'pid:2 time:1' }
const otherTime: ProcessIdentity = { ...here, namespaces: 'pid:1 time:2' }
const otherBoot: ProcessIdentity = { ...here, bootId: 'another' }

type Found = {
  readonly startTime?: string
  readonly sign?: 'answers' | 'refuses' | 'silent'
  readonly isLocal?: boolean
}

/** What is not told must not be asked. */
const evidence = (found: Found): Evidence => ({
  startTime: () => ('startTime' in found ? found.startTime : refuse('pid')),
  sign: async () => found.sign ?? refuse('sign'),
  isLocal: async () => found.isLocal ?? refuse('file system'),
})

function refuse(what: string): never {
  throw new Error(`asked for the ${what}`)
}

describe('judgeHolder [P82]', () => {
  it.each<[string, ProcessIdentity, Found & { startTime?: string }, Verdict]>([
    ['no process with its pid', here, { startTime: undefined as never }, 'dead'],
    ['its pid and start time', here, { startTime: '70' }, 'alive'],
    ['its pid, but started later', here, { startTime: '71' }, 'dead'],
    ['its pid, start time hidden, its sign answers', here, { startTime: '', sign: 'answers' }, 'alive'],
    ['the same, its sign refuses', here, { startTime: '', sign: 'refuses', isLocal: true }, 'dead'],
    ['the same, no sign', here, { startTime: '', sign: 'silent' }, 'unknown'],
    ['no start time noted', { ...here, startTime: '' }, { startTime: '70', sign: 'silent' }, 'unknown'],
    ['another pid namespace, answers', elsewhere, { sign: 'answers' }, 'alive'],
    ['another pid namespace, refuses', elsewhere, { sign: 'refuses', isLocal: true }, 'dead'],
    ['the same on a shared file system', elsewhere, { sign: 'refuses', isLocal: false }, 'unknown'],
    ['another pid namespace, no sign', elsewhere, { sign: 'silent' }, 'unknown'],
    ['another time namespace, answers', otherTime, { sign: 'answers' }, 'alive'],
    ['another boot id, answers all the same', otherBoot, { sign: 'answers' }, 'alive'],
    ['an earlier boot of this machine', otherBoot, { sign: 'refuses', isLocal: true }, 'dead'],
    ['another machine', otherBoot, { sign: 'refuses', isLocal: false }, 'unknown'],
    ['another boot id, no sign', otherBoot, { sign: 'silent' }, 'unknown'],
  ])('%s', async (_, holder, found, verdict) => {
    expect(await judgeHolder(holder, self, evidence(found))).toBe(verdict)
  })
})
