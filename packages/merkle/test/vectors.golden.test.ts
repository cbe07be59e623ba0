/**
 * Goal: row digests, sums, pages and roots are the bytes that docs/formats promises. Method: the vectors whose
 * answers the second reader (tools/vectors/second_reader.py) computed from the documents alone, and that
 * reader itself where Python is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createBranchSet } from '@se/core'
import { createRowDigester, DigestTree, encodeLeaf, LEAF_BYTES, type TreeEntry } from '../src/index.ts'
import { describe, expect, it } from 'vitest'
import { createRowEncoder } from '../src/row-digest.ts'

interface RowVector {
  readonly name: string
  readonly question: {
    readonly keyHex: string
    readonly id: string
    readonly time: number
    readonly instance: number
    readonly state: string
    readonly contentType: string
    readonly valueHex: string
    readonly times?: number
  }
  readonly answer: {
    readonly encodingHex: string | null
    readonly encodedBytes: number
    readonly digest: string
  }
}

interface EntryQuestion {
  readonly id: string
  readonly previousDigest: string | null
  readonly digest: string | null
}

interface TreeVector {
  readonly name: string
  readonly question: {
    readonly branches: readonly string[]
    readonly entries: readonly (EntryQuestion | { readonly repeat: number; readonly idPrefix: string })[]
  }
  readonly answer: {
    readonly prefixes: readonly string[]
    readonly sums: string
    readonly root: string
    readonly branchRoots: readonly string[]
    readonly pageCount: number
    readonly pagesSha256: string
    readonly pages?: readonly { readonly branch: number; readonly page: number; readonly hex: string }[]
  }
}

const repository = path.resolve(import.meta.dirname, '../../..')
const { rows, trees } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../testdata/tree-vectors.json'), 'utf8'),
) as { rows: readonly RowVector[]; trees: readonly TreeVector[] }

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const fromHex = (text: string | null) =>
  text === null ? undefined : new Uint8Array(Buffer.from(text, 'hex'))

function rowOf({ question }: RowVector) {
  const { id, time, instance, state, contentType, valueHex, times = 1 } = question
  return {
    id,
    stamp: { time, instance },
    state,
    contentType,
    bytes: new Uint8Array(Buffer.from(valueHex.repeat(times), 'hex')),
  }
}

function keyOf({ question }: RowVector): Uint8Array | undefined {
  return question.keyHex === '' ? undefined : fromHex(question.keyHex)
}

describe('row digest vectors', () => {
  it.each(rows)('$name', (vector) => {
    const encoding = createRowEncoder(keyOf(vector)).encode(rowOf(vector))
    expect(encoding.length).toBe(vector.answer.encodedBytes)
    if (vector.answer.encodingHex !== null) expect(hex(encoding)).toBe(vector.answer.encodingHex)
    expect(hex(createRowDigester(keyOf(vector)).digest(rowOf(vector)))).toBe(vector.answer.digest)
  })

  it('gives the same digests when one digester takes all rows, long ones between short ones', () => {
    for (const keyHex of new Set(rows.map(({ question }) => question.keyHex))) {
      const sameKey = rows.filter(({ question }) => question.keyHex === keyHex)
      const digester = createRowDigester(keyOf(sameKey[0]!))
      for (const vector of [...sameKey, ...sameKey.toReversed(), ...sameKey]) {
        expect(hex(digester.digest(rowOf(vector))), vector.name).toBe(vector.answer.digest)
      }
    }
  })
})

describe('tree vectors', () => {
  it.each(trees)('$name', ({ question, answer }) => {
    const branches = createBranchSet(question.branches)
    expect(branches.prefixes).toEqual(answer.prefixes)
    const tree = new DigestTree(branches)
    tree.apply(entriesOf(question.entries))
    expect(hex(encodeLeaf(tree.rootSums()))).toBe(answer.sums)
    expect(tree.root()).toBe(answer.root)
    expect(answer.prefixes.map((name) => tree.branch(name).root)).toEqual(answer.branchRoots)
    const pages = [...tree.pages()]
    expect(pages.length).toBe(answer.pageCount)
    const concatenated = Buffer.concat(pages.map(({ bytes }) => bytes))
    expect(createHash('sha256').update(concatenated).digest('hex')).toBe(answer.pagesSha256)
    if (answer.pages !== undefined) {
      const asVectors = pages.map(({ branch, page, bytes }) => ({ branch, page, hex: hex(bytes) }))
      expect(asVectors).toEqual(answer.pages)
    }
  })

  it('has the root of the empty tree that docs/formats/tree-page.md prints', () => {
    const document = readFileSync(path.join(repository, 'docs/formats/tree-page.md'), 'utf8')
    const root = new DigestTree(createBranchSet()).root()
    expect(root).toBe(createHash('sha256').update(Buffer.alloc(LEAF_BYTES)).digest('hex'))
    expect(document).toContain(root)
  })
})

describe('second reader', () => {
  const python = ['python3', 'python'].find(
    (name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0,
  )
  const skipReason = 'no Python from 3.8 on PATH'

  it('computes the same answers from the documents alone', ({ skip }) => {
    if (python === undefined) return skip(skipReason)
    const script = path.join(repository, 'tools/vectors/second_reader.py')
    const output = execFileSync(python, [script], { encoding: 'utf8' })
    const compared = Number(/^(\d+) vectors compared, 0 differ$/m.exec(output)?.[1])
    expect(compared).toBeGreaterThanOrEqual(rows.length + trees.length + 40)
  })
})

function* entriesOf(entries: TreeVector['question']['entries']): Generator<TreeEntry> {
  for (const entry of entries) {
    if (!('repeat' in entry)) {
      yield { ...entry, previousDigest: fromHex(entry.previousDigest), digest: fromHex(entry.digest) }
      continue
    }
    for (let number = 0; number < entry.repeat; number++) {
      const id = `${entry.idPrefix}${number}`
      const digest = new Uint8Array(createHash('sha256').update(id).digest().subarray(0, 16))
      yield { id, previousDigest: undefined, digest }
    }
  }
}
