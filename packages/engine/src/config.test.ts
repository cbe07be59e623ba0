import { describe, expect, it } from 'vitest'
import { parseConfig, type EngineConfig } from './config.ts'

const port = (...methods: string[]) => Object.fromEntries(methods.map((name) => [name, () => {}]))
const archive = port(
  'open',
  'claimInstance',
  'putBatch',
  'get',
  'getMany',
) as unknown as EngineConfig['archive']
const log = { directory: 'log' }

describe('parseConfig', () => {
  it.each<[object, string]>([
    [{ flush: { itemMax: 1 } }, 'flush.itemMax: is not a field; there are itemsMax, bytesMax, delayMs'],
    [{ stalenesMs: 1 }, 'stalenesMs: is not a field; there are log, archive, cache'],
    [{ log: { directory: 'log', limit: {} } }, 'log.limit: is not a field; there are directory, limits'],
    [{ log: { directory: 'log', limits: { segmentByte: 1 } } }, 'log.limits.segmentByte: is not a field'],
    [
      { log: { directory: 'log', limits: { segmentBytes: 5000 } } },
      'log.limits.segmentBytes: must be a multiple',
    ],
    [
      { log: { directory: 'log', limits: { bytesMax: 8192 } } },
      'log.limits.bytesMax: must be at least two segments',
    ],
    [{ log: {} }, 'log.directory: must be a non-empty string, not undefined'],
    [{ log: undefined }, 'log.directory: must be a non-empty string'],
    [{ log: 'log' }, 'log: must be an object, not a string'],
    [{ archive: undefined }, 'archive: must be an archive tier, not undefined'],
    [{ archive: { putBatch() {} } }, 'archive: must be an archive tier'],
    [{ cache: {} }, 'cache: must be a cache tier'],
    [{ pending: { bytesMax: 1024 } }, 'pending.bytesMax: must be at least valueBytesMax, 8388608, not 1024'],
    [{ pending: { onFull: 'drop' } }, 'pending.onFull: must be one of wait, refuse'],
    [{ valueBytesMax: '8' }, 'valueBytesMax: must be an integer'],
    [{ branches: 'user.' }, 'branches: must be a list of non-empty strings'],
    [{ branches: ['a', 'a'] }, 'branches: names a prefix twice'],
    [{ logger: console.log }, 'logger: must be a logger'],
    [{ logger: { info() {} } }, 'logger: must be a logger'],
    [{ clock: { now: () => 1 } }, 'clock: must be a clock'],
    [{ callTimeoutMs: Infinity }, 'callTimeoutMs: must be an integer'],
    [{ memory: null }, 'memory: must be an object, not null'],
  ])('refuses %j by the name of the field [P77]', (given, message) => {
    expect(() => parseConfig({ log, archive, ...given } as EngineConfig)).toThrow(
      expect.objectContaining({
        code: 'SE_INVALID_CONFIG',
        message: expect.stringContaining(message) as string,
      }),
    )
  })

  it('fills in defaults, and keeps nothing of the objects that it was given', () => {
    const branches = ['user.']
    const limits = { segmentBytes: 64 * 1024 }
    const parsed = parseConfig({ log: { directory: 'log', limits }, archive, branches })
    branches.push('order.')
    limits.segmentBytes = 1
    expect(parsed).toMatchObject({
      logDirectory: 'log',
      logLimits: { segmentBytes: 64 * 1024 },
      branches: { prefixes: ['', 'user.'] },
      digests: 'keyed',
      pending: { itemsMax: 100_000, whenFull: 'wait' },
      codec: undefined,
    })
    expect(Object.isFrozen(parsed)).toBe(true)
  })
})
