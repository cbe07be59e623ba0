import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InstanceFenced, type ClaimRequest, type InstanceClaim } from '@se/core'
import { nodeFileSystem, systemRandom } from '@se/core/node'
import { Caller } from '../deadline/caller.ts'
import { loadIdentity, parseIdentity, rememberPosition, takeInstance } from './identity.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-identity-'))
})
afterEach(() => rm(directory, { recursive: true }))

const answer: InstanceClaim = {
  instance: 3,
  epoch: 5,
  nonce: 'b'.repeat(32),
  lastSequence: 7,
  lastLink: '7'.repeat(16),
  maxStampTime: 0,
  birthId: '1'.repeat(32),
  archiveId: 'a'.repeat(32),
  isRestored: false,
}
const ports = (claim: (request: ClaimRequest) => Promise<InstanceClaim>) => ({
  fileSystem: nodeFileSystem,
  random: systemRandom,
  archive: { claimInstance: claim },
  caller: new Caller(),
})

it('makes the nonce durable before the archive hears of it, and forgets older ones after', async () => {
  let atClaim: readonly string[] = []
  let request: ClaimRequest | undefined
  await takeInstance(
    ports(async (asked) => {
      request = asked
      atClaim = (await loadIdentity(nodeFileSystem, directory)).nonces
      return answer
    }),
    directory,
  )
  expect(request).toMatchObject({ memory: undefined, knownNonces: [] })
  expect(atClaim).toEqual([request!.nonce])
  expect(await loadIdentity(nodeFileSystem, directory)).toEqual({
    birthId: answer.birthId,
    archiveId: answer.archiveId,
    instance: 3,
    epoch: 5,
    lastSequence: 7,
    lastLink: '7'.repeat(16),
    nonces: [request!.nonce],
  })
})

it('finds itself again after a claim whose answer was lost [P52]', async () => {
  const requests: ClaimRequest[] = []
  const lost = ports(async (asked) => {
    requests.push(asked)
    throw new InstanceFenced('answer lost')
  })
  await expect(takeInstance(lost, directory)).rejects.toThrow()
  await takeInstance(
    ports(async (asked) => {
      requests.push(asked)
      return answer
    }),
    directory,
  )
  expect(requests[1]!.knownNonces).toEqual([requests[0]!.nonce])
})

it('writes nothing once its start was given up: another start may be at work by then [P52]', async () => {
  const abandoned = ports(async () => {
    abandoned.caller.leave(new Error('given up'))
    return answer
  })
  await expect(takeInstance(abandoned, directory)).rejects.toThrow('given up')
  expect(await loadIdentity(nodeFileSystem, directory)).toMatchObject({ instance: null, epoch: 0 })
})

it('remembers how far its ledger has come [P65]', async () => {
  await takeInstance(
    ports(async () => answer),
    directory,
  )
  await rememberPosition(nodeFileSystem, directory, { sequence: 42, link: 'c'.repeat(16) })
  let memory: ClaimRequest['memory']
  await takeInstance(
    ports(async (asked) => {
      memory = asked.memory
      return answer
    }),
    directory,
  )
  expect(memory).toEqual({
    birthId: answer.birthId,
    archiveId: answer.archiveId,
    instance: 3,
    epoch: 5,
    lastSequence: 42,
    lastLink: 'c'.repeat(16),
  })
})

it('refuses a file that is not what the format page says, by field', () => {
  const good = {
    format: 1,
    birthId: 'b'.repeat(32),
    archiveId: 'a'.repeat(32),
    instance: 1,
    epoch: 1,
    lastSequence: 0,
    lastLink: '0'.repeat(16),
    nonces: [],
  }
  expect(parseIdentity(JSON.stringify(good))).toMatchObject({ instance: 1 })
  for (const [field, value] of [
    ['format', 2],
    ['birthId', 'x'],
    ['birthId', null],
    ['archiveId', 'x'],
    ['instance', 0],
    ['instance', null],
    ['epoch', -1],
    ['lastSequence', 1.5],
    ['lastLink', '0'.repeat(15)],
    ['lastLink', undefined],
    ['nonces', ['x']],
  ] as const) {
    expect(() => parseIdentity(JSON.stringify({ ...good, [field]: value })), field).toThrow(
      expect.objectContaining({ code: 'SE_CORRUPT_DATA' }),
    )
  }
  expect(() => parseIdentity('{')).toThrow(/not JSON/)
})
