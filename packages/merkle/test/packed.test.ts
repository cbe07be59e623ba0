/**
 * Goal: the package works for a stranger, installed from its tarball, core's and that of @noble/hashes in an empty folder: in Node, in
 * the compiler, and in a browser bundle of the size that the README states.
 */
import { readFileSync } from 'node:fs'
import { installPacked, NODE_TRACES, sizesOverStated, type Stranger } from '@se/testkit/packed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPT = `
import { createRowDigester, diff, DigestTree, treeSource } from '@se/merkle'
const branches = { prefixes: ['', 'user.'], branchOf: (id) => (id.startsWith('user.') ? 1 : 0) }
const digester = createRowDigester(new Uint8Array(16))
const row = (id) => ({ id, stamp: { time: 1, instance: 1 }, state: '', contentType: '', bytes: new Uint8Array(3) })
const entry = (id) => ({ id, previousDigest: undefined, digest: digester.digest(row(id)) })
const local = new DigestTree(branches)
for (let index = 0; index < 2000; index++) local.apply([entry('user.' + index)])
const remote = local.clone()
remote.apply([entry('else')])
const found = await diff(treeSource(local), treeSource(remote))
console.log(local.count, local.root().slice(0, 16), found.missing.length, found.roundTrips)
`
const EXPECTED = /^2000 [0-9a-f]{16} 1 2\n$/

describe('@se/merkle from its tarball', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('merkle')
  }, 180_000)
  afterAll(() => stranger.close())

  it('has no class with a name that the build gave it [P77]', () => {
    expect(stranger.misnamedClasses).toEqual([])
  })

  it('brings itself, core and the portable SHA-256, and nothing else', () => {
    expect(stranger.installed).toEqual(['@noble/hashes', '@se/core', '@se/merkle'])
  })

  it('runs in Node, and its contract suite with it', () => {
    expect(stranger.run(SCRIPT)).toMatch(EXPECTED)
    const suite = `
      import { memoryLeafStore } from '@se/merkle'
      import { LEAF_STORE_BRANCHES, leafStoreContract } from '@se/merkle/testing'
      for (const { run } of leafStoreContract) await run(memoryLeafStore(LEAF_STORE_BRANCHES))
      console.log(leafStoreContract.length > 8)`
    expect(stranger.run(suite)).toBe('true\n')
  })

  it('type-checks for a strict caller without Node types', () => {
    const complaints = stranger.typeCheck(`
      import { createBranchSet } from '@se/core'
      import { diff, DigestTree, type LeafStore, memoryLeafStore, type Sha256, type TreeDiff, treeSource } from '@se/merkle'
      import { leafStoreContract } from '@se/merkle/testing'
      const sha256: Sha256 = () => ''
      const tree = new DigestTree(createBranchSet(['user.']), { sha256 })
      const store: LeafStore = memoryLeafStore(tree.branches)
      export const found: Promise<TreeDiff> = diff(treeSource(tree), store)
      export const titles: string[] = leafStoreContract.map(({ title }) => title)
      // @ts-expect-error a page is bytes
      tree.setPage(0, 0, 'text')`)
    expect(complaints).toBe('')
  })

  it('runs from a browser bundle of the size the README states, with the same root as in Node', async () => {
    const all = await stranger.bundle(`export * from '@se/merkle'`)
    expect(all).not.toMatch(NODE_TRACES)
    const sizes = sizesOverStated(all, readFileSync(new URL('../README.md', import.meta.url), 'utf8'))
    for (const [form, ratio] of Object.entries(sizes)) expect(Math.abs(ratio - 1), form).toBeLessThan(0.05)
    expect(stranger.run(await stranger.bundle(SCRIPT))).toBe(stranger.run(SCRIPT))
  })
})
