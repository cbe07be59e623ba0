import { LINK_NONE, type Position } from '../cut.ts'
import { ArchiveMismatch, InstanceFenced } from '../errors.ts'
import type {
  ClaimKey,
  ClaimRequest,
  InstanceClaim,
  InstanceMemory,
  RetirementRequest,
} from '../archive-tier.ts'
import type { RetiredInstance } from '../ledger.ts'
import { randomHex } from '../random.ts'
import { fold } from './memory-archive-ledger.ts'
import { append, linkOf, nowMsOf, type Instance, type State, type World } from './memory-archive-state.ts'

export function claim(world: World, request: ClaimRequest): InstanceClaim {
  const { state } = world
  const { memory, nonce } = request
  const nonces = new Set([...request.knownNonces, nonce])
  const named = [...state.instances.values()].find((instance) => nonces.has(instance.nonce))
  if (memory === undefined) {
    const own = named ?? newInstance(world)
    return grant(world, own, own.epoch + 1, nonce, false)
  }
  if (memory.birthId !== state.birthId) {
    throw new ArchiveMismatch('the log directory belongs to another archive')
  }
  const isOfAnotherId = memory.archiveId !== state.archiveId
  if (named !== undefined) {
    if (named.number !== memory.instance || isInHistory(state, named, memory)) {
      return grant(world, named, named.epoch + 1, nonce, isOfAnotherId)
    }
    replaceArchiveId(world, named, Math.max(named.lastSequence, memory.lastSequence))
    return grant(world, named, Math.max(named.epoch, memory.epoch) + 1, nonce, true)
  }
  const numbered = state.instances.get(memory.instance)
  if (numbered === undefined && memory.instance <= state.lastNumber) {
    return grant(world, newInstance(world), 1, nonce, isOfAnotherId)
  }
  if (numbered === undefined) {
    const own = newInstance(world, memory.instance)
    replaceArchiveId(world, own, memory.lastSequence)
    return grant(world, own, memory.epoch + 1, nonce, true)
  }
  if (numbered.epoch > memory.epoch && !isOfAnotherId) {
    throw new InstanceFenced('another log directory has claimed this instance')
  }
  const own = newInstance(world)
  if (!isOfAnotherId) replaceArchiveId(world, own, 0)
  return grant(world, own, 1, nonce, true)
}

/** Whether the archive still has what the directory knows to be committed. */
function isInHistory(state: State, own: Instance, memory: InstanceMemory): boolean {
  if (own.epoch < memory.epoch || own.lastSequence < memory.lastSequence) return false
  const link = linkOf(state, own, memory.lastSequence)
  return link === undefined || link === memory.lastLink
}

function newInstance({ state }: World, number = state.lastNumber + 1): Instance {
  const instance: Instance = {
    number,
    epoch: 0,
    nonce: '',
    lastSequence: 0,
    link: LINK_NONE,
    prunedSequence: 0,
    prunedLink: LINK_NONE,
    maxStampTime: 0,
    hasEnded: false,
    seenAtMs: 0,
  }
  state.instances.set(number, instance)
  state.lastNumber = Math.max(state.lastNumber, number)
  return instance
}

function grant(
  world: World,
  own: Instance,
  epoch: number,
  nonce: string,
  isRestored: boolean,
): InstanceClaim {
  Object.assign(own, { epoch, nonce, hasEnded: false, seenAtMs: nowMsOf(world) })
  const { number: instance, lastSequence, link: lastLink, maxStampTime } = own
  const { birthId, archiveId } = world.state
  return { instance, epoch, nonce, lastSequence, lastLink, maxStampTime, birthId, archiveId, isRestored }
}

/** The archive has gone back: what was known of it is void, and the sequences lost are not used again. */
function replaceArchiveId(world: World, own: Instance, lastSequence: number): void {
  const { state, random } = world
  fold(world)
  const link = lastSequence === 0 ? LINK_NONE : randomHex(random, 8)
  Object.assign(own, { lastSequence, link, prunedSequence: lastSequence, prunedLink: link })
  if (lastSequence > 0) state.treePositions.set(own.number, { sequence: lastSequence, link })
  state.archiveId = randomHex(random, 16)
}

export function end(world: World, key: ClaimKey): void {
  const own = ownInstance(world.state, key)
  own.hasEnded = true
  own.seenAtMs = nowMsOf(world)
}

export function touch(world: World, key: ClaimKey): void {
  ownInstance(world.state, key).seenAtMs = nowMsOf(world)
}

function ownInstance(state: State, key: ClaimKey): Instance {
  const own = state.instances.get(key.instance)
  if (own === undefined) {
    throw new InstanceFenced(
      key.instance <= state.lastNumber
        ? 'the instance was retired while it was not seen; a restart gets a new one'
        : 'the archive has gone back to before this instance',
    )
  }
  if (own.epoch !== key.epoch || own.nonce !== key.nonce) {
    throw new InstanceFenced('another process has taken the instance over')
  }
  return own
}

/**
 * Whether the row at a sequence is in already.
 *
 * @returns false: it is the next one
 * @throws InstanceFenced
 */
export function isSettled(
  state: State,
  key: ClaimKey,
  { sequence, link }: Position,
): { readonly own: Instance; readonly isIn: boolean } {
  const own = ownInstance(state, key)
  if (own.lastSequence === sequence - 1) return { own, isIn: false }
  if (own.lastSequence < sequence)
    throw new InstanceFenced('the archive has gone back below what this instance wrote')
  if (linkOf(state, own, sequence) !== link) throw new InstanceFenced('another batch has this sequence')
  return { own, isIn: true }
}

export function retire(world: World, request: RetirementRequest): readonly RetiredInstance[] {
  const { state } = world
  const { claim: key, sequence, link, deadBeforeMs, instancesMax } = request
  const nowMs = nowMsOf(world)
  const { own, isIn } = isSettled(state, key, { sequence, link })
  if (isIn) return state.ledger.get(own.number)?.get(sequence)?.retired ?? []
  const retired: RetiredInstance[] = []
  for (const instance of [...state.instances.values()].sort((a, b) => a.number - b.number)) {
    // Seen in the future, by a clock that was wrong: counted from now.
    instance.seenAtMs = Math.min(instance.seenAtMs, nowMs)
    const { number, hasEnded, seenAtMs, lastSequence, prunedSequence } = instance
    if (number === own.number || retired.length === instancesMax) continue
    if (!hasEnded && seenAtMs >= deadBeforeMs) continue
    if (lastSequence !== prunedSequence) continue
    retired.push({ instance: number, sequence: lastSequence, link: instance.link })
  }
  if (retired.length === 0) return []
  for (const { instance } of retired) state.instances.delete(instance)
  append(world, own, {
    instance: own.number,
    sequence,
    link,
    kind: 'retirement',
    committedAtMs: nowMs,
    entries: [],
    retired,
  })
  return retired
}
