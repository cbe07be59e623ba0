import { Buffer } from 'node:buffer'
import {
  CorruptData,
  LINK_NONE,
  randomHex,
  readFileIfAny,
  writeFileAtomically,
  type ArchiveTier,
  type FileSystem,
  type InstanceClaim,
  type InstanceMemory,
  type Position,
  type Random,
} from '@se/core'
import type { Caller } from '../deadline/caller.ts'
import { INSTANCE_FILE } from '../directory.ts'

/** Format page: docs/formats/instance.md. */
const FORMAT = 1

/** What instance.json holds. */
export interface Identity {
  /** Of the archive when it was made; it says which archive this is, also after a restore. */
  readonly birthId: string | null
  readonly archiveId: string | null
  readonly instance: number | null
  readonly epoch: number
  readonly lastSequence: number
  /** Link at `lastSequence`, 16 hex digits. */
  readonly lastLink: string
  readonly nonces: readonly string[]
}

const NEW: Identity = {
  birthId: null,
  archiveId: null,
  instance: null,
  epoch: 0,
  lastSequence: 0,
  lastLink: LINK_NONE,
  nonces: [],
}

/** @throws CorruptData when the file is there and is not what the format page says */
export async function loadIdentity(fileSystem: FileSystem, directory: string): Promise<Identity> {
  const content = await readFileIfAny(fileSystem, `${directory}/${INSTANCE_FILE}`)
  return content === undefined ? NEW : parseIdentity(Buffer.from(content).toString('utf8'))
}

/** The inverse of what `saveIdentity` writes. */
export function parseIdentity(text: string): Identity {
  let parsed: Partial<Record<keyof Identity | 'format', unknown>>
  try {
    parsed = JSON.parse(text) as typeof parsed
  } catch (cause) {
    throw new CorruptData(`${INSTANCE_FILE} is not JSON`, { cause })
  }
  if (parsed === null || typeof parsed !== 'object')
    throw new CorruptData(`${INSTANCE_FILE} is not an object`)
  const { format, birthId, archiveId, instance, epoch, lastSequence, lastLink, nonces } = parsed
  if (format !== FORMAT)
    throw new CorruptData(`${INSTANCE_FILE} has format ${String(format)}, this version reads ${FORMAT}`)
  if (birthId !== null && !isHex32(birthId)) throw wrong('birthId')
  if (archiveId !== null && !isHex32(archiveId)) throw wrong('archiveId')
  if (instance !== null && !(isCount(instance) && instance > 0)) throw wrong('instance')
  if (!isCount(epoch)) throw wrong('epoch')
  if (!isCount(lastSequence)) throw wrong('lastSequence')
  if (!isHex(lastLink, 16)) throw wrong('lastLink')
  if (!Array.isArray(nonces) || !nonces.every(isHex32)) throw wrong('nonces')
  if ((archiveId === null) !== (instance === null)) throw wrong('instance')
  if ((birthId === null) !== (archiveId === null)) throw wrong('birthId')
  return { birthId, archiveId, instance, epoch, lastSequence, lastLink, nonces }
}

export async function saveIdentity(
  fileSystem: FileSystem,
  directory: string,
  identity: Identity,
): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...identity }, undefined, 2)}\n`
  await writeFileAtomically(fileSystem, directory, INSTANCE_FILE, Buffer.from(text))
}

/**
 * Takes the directory's instance in the archive, in the three steps of the format page.
 *
 * @param ports `caller`: of the start; nothing is written once it has gone, as another start may be at work by then
 * @throws InstanceFenced, ArchiveMismatch, TierUnavailable as {@link ArchiveTier.claimInstance}
 */
export async function takeInstance(
  ports: {
    readonly fileSystem: FileSystem
    readonly random: Random
    readonly archive: Pick<ArchiveTier, 'claimInstance'>
    readonly caller: Pick<Caller, 'goneBecause'>
  },
  directory: string,
): Promise<InstanceClaim> {
  const { fileSystem, random, archive, caller } = ports
  const before = await loadIdentity(fileSystem, directory)
  const nonce = randomHex(random, 16)
  await saveIdentity(fileSystem, directory, { ...before, nonces: [...before.nonces, nonce] })
  const claim = await archive.claimInstance({ memory: memoryOf(before), knownNonces: before.nonces, nonce })
  if (caller.goneBecause !== undefined) throw caller.goneBecause
  await saveIdentity(fileSystem, directory, {
    birthId: claim.birthId,
    archiveId: claim.archiveId,
    instance: claim.instance,
    epoch: claim.epoch,
    lastSequence: claim.lastSequence,
    lastLink: claim.lastLink,
    nonces: [nonce],
  })
  return claim
}

/** Notes how far the own ledger has come, so that an archive that went back is recognised [P65]. */
export async function rememberPosition(
  fileSystem: FileSystem,
  directory: string,
  { sequence: lastSequence, link: lastLink }: Position,
): Promise<void> {
  const identity = await loadIdentity(fileSystem, directory)
  if (identity.lastSequence === lastSequence && identity.lastLink === lastLink) return
  await saveIdentity(fileSystem, directory, { ...identity, lastSequence, lastLink })
}

function memoryOf(identity: Identity): InstanceMemory | undefined {
  const { birthId, archiveId, instance, epoch, lastSequence, lastLink } = identity
  if (birthId === null || archiveId === null || instance === null) return undefined
  return { birthId, archiveId, instance, epoch, lastSequence, lastLink }
}

function isHex32(value: unknown): value is string {
  return isHex(value, 32)
}

function isHex(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function wrong(field: string): CorruptData {
  return new CorruptData(`${INSTANCE_FILE}: ${field} is not what the format page says`, {
    details: { field },
  })
}
