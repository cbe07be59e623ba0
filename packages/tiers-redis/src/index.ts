export { ENTRY_FIXED_BYTES, ENTRY_FORMAT } from './entry.ts'
export { PREFIX_BYTES_MAX, PREFIX_DEFAULT } from './keys.ts'
export type { RedisCacheOptions } from './options.ts'
export { redisCache, type RedisCache } from './redis-cache.ts'
