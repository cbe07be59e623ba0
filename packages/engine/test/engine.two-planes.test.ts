/**
 * Goal: nothing that crosses between the planes of the engine must be answered at once, and all of it is plain data.
 * Method: the engine's own suites, once more, on a channel that copies each message and delivers it in a turn of its own. In the
 * simulation messages take time as well.
 */
import { systemClock } from '@se/core/node'
import { delayedChannel } from '../src/testing/delayed-channel.ts'
import { holdOn } from './world.ts'

holdOn(() => delayedChannel({ clock: systemClock, drawDelayMs: () => 0 }))

await import('./engine.test.ts')
await import('./engine.heard.test.ts')
await import('./engine.faults.test.ts')
await import('./engine.verify.test.ts')
await import('./engine.retirement.test.ts')
