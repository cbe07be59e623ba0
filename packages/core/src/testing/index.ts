export { cacheContract } from './cache-contract.ts'
export {
  CACHE_CONTRACT_BIRTH_ID,
  CACHE_CONTRACT_BRANCHES,
  REFUSED_BYTES,
  type CacheContractCase,
  type CacheContractHarness,
} from './cache-contract-kit.ts'
export {
  CacheModel,
  type CacheMisuse,
  type CacheModelOptions,
  type CacheModelViolation,
} from './cache-model.ts'
export { cutAt, linkOf } from './cuts.ts'
export { forEveryChoice, type PowerCutChooser } from './every-choice.ts'
export { createFakeClock, type FakeClock } from './fake-clock.ts'
export { memoryCacheHarness } from './memory-cache-harness.ts'
export { memoryCache, type MemoryCache } from './memory-cache.ts'
export type {
  MemoryCacheConnection,
  MemoryCacheOptions,
  MemoryCacheServer,
  StripeSnapshot,
} from './memory-cache-types.ts'
export { without } from './without.ts'
export { seededRandom, type SeededRandom } from './seeded-random.ts'
export { archiveContract, type ArchiveContractCase, type ArchiveHarness } from './archive-contract.ts'
export {
  memoryArchive,
  type ArchiveOperation,
  type MemoryArchive,
  type MemoryArchiveBackup,
} from './memory-archive.ts'
export type { MemoryArchiveOptions, ValueWrite } from './memory-archive-state.ts'
export { optionsContract, optionsTableIn, type OptionsContractCase } from './options-contract.ts'
export {
  createPowerLossFileSystem,
  type FileSystemCall,
  type FileSystemFault,
  type PowerLossFileSystem,
} from './power-loss-file-system.ts'
