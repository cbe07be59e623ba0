import { mkdir } from 'node:fs/promises'
import type { FastifyBaseLogger } from 'fastify'
import { createApp } from './app.ts'
import { describeConfig, type ServerConfig } from './config.ts'
import { openEngine } from './open-engine.ts'

/** While stopping, connections whose request has been answered are closed so often, ms. */
const IDLE_CHECK_MS = 20

/** What the engine has for its stop beyond `stopMs`, ms. */
const ENGINE_STOP_MS = 5_000

/** A server that listens. */
export interface RunningServer {
  /** `http://host:port` */
  readonly url: string
  /**
   * Stops accepting, answers what is being asked (for at most `stopMs`), flushes the engine and closes everything. Calls
   * that meet share one stop.
   */
  stop(): Promise<void>
}

/**
 * Listens at once, so that `/livez` answers while the log is replayed; items are answered with 503 until the engine is
 * Ready.
 *
 * @param onListening called before the engine starts, so that a signal during the start can be honoured: `stop` then ends
 *   the start
 * @throws what kept it from listening or the engine from starting; everything is closed again
 */
export async function serve(
  config: ServerConfig,
  logger: FastifyBaseLogger,
  onListening: (server: RunningServer) => void = () => undefined,
): Promise<RunningServer> {
  await mkdir(config.dataDirectory, { recursive: true })
  const { engine, archiveBackend, metrics } = await openEngine(config, logger)
  let stopping: Promise<void> | undefined
  const app = await createApp({
    engine,
    archiveBackend,
    metrics,
    logger,
    isStopping: () => stopping !== undefined,
  })
  const url = await app.listen({ host: config.host, port: config.port })
  let started: Promise<unknown> = Promise.resolve()

  async function stop(): Promise<void> {
    logger.info({ event: 'stopping' }, 'stopping')
    const cutOff = setTimeout(() => app.server.closeAllConnections(), config.stopMs)
    // Closing ends the connections that are idle at that moment; one that was answering then is kept alive by its client.
    const reap = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS)
    try {
      await app.close()
    } finally {
      clearTimeout(cutOff)
      clearInterval(reap)
    }
    // A start that is under way is ended. Requests had their time: the engine has as much, and a moment more.
    const report = await engine.stop({ timeoutMs: config.stopMs + ENGINE_STOP_MS })
    await started.catch(() => undefined)
    await metrics.shutdown()
    logger.info({ event: 'stopped', ...report }, 'stopped')
  }

  const server: RunningServer = { url, stop: () => (stopping ??= stop()) }
  logger.info({ event: 'listening', url, ...describeConfig(config) }, 'listening')
  onListening(server)
  started = engine.start()
  try {
    await started
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}
