/** What requests and answers look like: Fastify checks with these, and `/openapi.json` shows them. */
import { z } from 'zod'

export const ItemParams = z.object({
  id: z.string().describe('1 to 255 bytes of UTF-8, percent-encoded; a slash as %2F'),
})

export const Level = z
  .enum(['memory', 'log', 'archive'])
  .default('log')
  .describe(
    'What the acknowledgement is worth: lost with the process, survives power loss, or is in the archive',
  )

/** Every error; docs/errors.md lists the codes. */
export const Failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
})

export const Bytes = z.unknown().describe('The bytes as they were put')

export const Nothing = z.null().describe('Done')

export const Liveness = z.object({ live: z.literal(true) })

export const Readiness = z.object({
  ready: z.boolean(),
  because: z.string(),
  phase: z.string(),
  trust: z.record(z.string(), z.string()).describe('By view: trusted at which cut, or why not'),
})
