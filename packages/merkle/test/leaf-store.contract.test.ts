/**
 * Goal: the in-memory store keeps the contract, and the contract notices a store that does not. Method: the
 * published suite, also against stores that are broken in one way each.
 */
import { StorageError } from '@se/core'
import { DigestTree, memoryLeafStore, treeSource, type LeafStore, type TreeLeaf } from '../src/index.ts'
import { LEAF_STORE_BRANCHES, leafStoreContract } from '../src/testing/index.ts'
import { describe, expect, it } from 'vitest'

describe('memory leaf store', () => {
  for (const { title, run } of leafStoreContract) {
    it(title, () => run(memoryLeafStore(LEAF_STORE_BRANCHES)))
  }
})

describe('leaf store contract', () => {
  it.each(Object.entries(brokenStores()))('notices a store that %s', async (_, makeStore) => {
    const outcomes = await Promise.allSettled(leafStoreContract.map(({ run }) => run(makeStore())))
    const reasons = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(reasons).not.toEqual([])
    for (const reason of reasons) expect(reason).toBeInstanceOf(StorageError)
  })
})

function brokenStores(): Record<string, () => LeafStore> {
  const over = (change: (honest: LeafStore) => Partial<LeafStore>) => () => {
    const honest = memoryLeafStore(LEAF_STORE_BRANCHES)
    return { ...honest, ...change(honest) }
  }
  return {
    'adds nothing': over(() => ({ add: async () => undefined })),
    'takes one delta a leaf and call': over((honest) => ({
      add: (deltas) =>
        honest.add([...new Map(deltas.map((delta) => [`${delta.branch}/${delta.bucket}`, delta])).values()]),
    })),
    'loses what is added at the same time': () => {
      let current = new DigestTree(LEAF_STORE_BRANCHES)
      const read = <Name extends Exclude<keyof LeafStore, 'add'>>(name: Name) =>
        ((argument: never) => treeSource(current)[name](argument)) as LeafStore[Name]
      return {
        readBranches: read('readBranches'),
        readPageSums: read('readPageSums'),
        readPages: read('readPages'),
        readAllPages: read('readAllPages'),
        async add(deltas: readonly TreeLeaf[]) {
          const copy = current.clone()
          for (const { branch, bucket, sums } of deltas) copy.addToLeaf(branch, bucket, sums)
          await Promise.resolve()
          current = copy
        },
      }
    },
    'adds what comes before the mistake': over((honest) => ({
      async add(deltas) {
        for (const delta of deltas) await honest.add([delta])
      },
    })),
    'clamps where it should wrap': over((honest) => ({
      add: (deltas) =>
        honest.add(
          deltas.map((delta) => ({
            ...delta,
            sums: { ...delta.sums, count: Math.min(delta.sums.count, 2 ** 31) },
          })),
        ),
    })),
    'answers pages in its own order': over((honest) => ({
      readPages: async (addresses) => (await honest.readPages(addresses)).toReversed(),
    })),
    'answers page sums in branch order': over((honest) => ({
      readPageSums: (branches) => honest.readPageSums([...branches].sort()),
    })),
    'forgets the last branch': over((honest) => ({
      readAllPages: async (branches) =>
        (await honest.readAllPages(branches)).filter(({ branch }) => branch < 2),
    })),
    'keeps a page of nothing': over((honest) => ({
      readAllPages: async (branches) => [
        ...(await honest.readAllPages(branches)),
        { branch: 0, page: 0, bytes: new Uint8Array(33) },
      ],
    })),
  }
}
