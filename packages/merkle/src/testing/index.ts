export { LEAF_STORE_BRANCHES, leafStoreContract, type LeafStoreContractCase } from './leaf-store-contract.ts'
export { archiveDigests, cacheDigests } from './tier-digests.ts'
