import { nodeFileSystem, systemClock, systemRandom } from '@se/core/node'
import { parseConfig, type EngineConfig } from './config.ts'
import { Engine } from './engine.ts'
import { guardArchive } from './guard/guard-archive.ts'
import { guardCache } from './guard/guard-cache.ts'
import { createLoggingObserver } from './logging/logging-observer.ts'
import { combineObservers } from './observer/combine-observers.ts'
import { directChannel, type Channel } from './seam/channel.ts'

/**
 * Makes an engine; nothing is opened before `start`.
 *
 * @throws InvalidConfig naming the field and what it may be
 */
export function createEngine(given: EngineConfig): Engine {
  return createEngineOn(directChannel, given)
}

/** @param openChannel makes the channel between the planes of the engine, at each start */
export function createEngineOn(openChannel: () => Channel, given: EngineConfig): Engine {
  const config = parseConfig(given)
  const clock = given.clock ?? systemClock
  const random = given.random ?? systemRandom
  const observer = combineObservers([
    ...(given.observer === undefined ? [] : [given.observer]),
    ...(given.logger === undefined ? [] : [createLoggingObserver(given.logger, clock)]),
  ])
  const guard = { clock, random, observer }
  return new Engine(
    {
      config,
      archive: guardArchive(given.archive, guard),
      cache: given.cache === undefined ? undefined : guardCache(given.cache, guard),
      observer,
      clock,
      random,
      fileSystem: given.fileSystem ?? nodeFileSystem,
      openChannel,
    },
    given.logObserver,
  )
}
