import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { AppPorts } from '../ports.ts'
import { readinessOf } from '../readiness.ts'
import { Liveness, Readiness } from './schemas.ts'

const TAGS = ['operations']

/** For those who run the server. */
export const healthRoutes: FastifyPluginAsyncZod<
  Pick<AppPorts, 'engine' | 'archiveBackend' | 'metrics' | 'isStopping'>
> = async (app, { engine, archiveBackend, metrics, isStopping }) => {
  app.get(
    '/livez',
    {
      schema: {
        tags: TAGS,
        summary: 'The process lives. A tier that is down is no reason to restart it',
        response: { 200: Liveness },
      },
    },
    async () => ({ live: true as const }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        tags: TAGS,
        summary: 'The engine is Ready and the archive answers',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const status = engine.status()
      const { isReady, because } = readinessOf(status, archiveBackend, isStopping())
      return reply
        .code(isReady ? 200 : 503)
        .send({ ready: isReady, because, phase: status.phase, trust: status.trust })
    },
  )

  app.get(
    '/metrics',
    { schema: { tags: TAGS, summary: 'Every metric of docs/metrics.md, as Prometheus reads it' } },
    async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.scrape()),
  )
}
