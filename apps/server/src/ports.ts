import type { EngineFace } from '@se/engine'
import type { FastifyBaseLogger } from 'fastify'

/** Everything the server touches of an engine. */
export type ServedEngine = Pick<EngineFace, 'get' | 'submit' | 'delete' | 'status'>

/** What the routes are made from. */
export interface AppPorts {
  readonly engine: ServedEngine
  /** As the engine's gauges name it. */
  readonly archiveBackend: string
  readonly metrics: { readonly contentType: string; scrape(): Promise<string> }
  readonly logger: FastifyBaseLogger
  /** Whether the process has been asked to end. */
  readonly isStopping: () => boolean
  /** Largest body, bytes. Default: the engine's largest value. */
  readonly valueBytesMax?: number
}
