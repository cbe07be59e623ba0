import { back } from './mutants/back.ts'
import { flush } from './mutants/flush.ts'
import { guard } from './mutants/guard.ts'
import { heard } from './mutants/heard.ts'
import { inspect } from './mutants/inspect.ts'
import { lifecycle } from './mutants/lifecycle.ts'
import { memory } from './mutants/memory.ts'
import { read } from './mutants/read.ts'
import { seam } from './mutants/seam.ts'
import { testing } from './mutants/testing.ts'
import { value } from './mutants/value.ts'
import { views } from './mutants/views.ts'
import { write } from './mutants/write.ts'

/** Deliberate defects of the engine's parts, and the test that notices each, by room: `npm run mutants -- --only engine`. */
export const mutants = [
  ...back,
  ...flush,
  ...guard,
  ...heard,
  ...inspect,
  ...lifecycle,
  ...memory,
  ...read,
  ...seam,
  ...testing,
  ...value,
  ...views,
  ...write,
]
