export { LEAF_STORE_BRANCHES, leafStoreContract, type LeafStoreContractCase } from './leaf-store-contract.ts'
