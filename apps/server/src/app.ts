import swagger from '@fastify/swagger'
import { VALUE_BYTES_MAX } from '@se/core'
import Fastify, { LogController, type FastifyReply } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { answerOf, NO_ROUTE, type ErrorAnswer } from './http-errors.ts'
import type { AppPorts } from './ports.ts'
import { healthRoutes } from './routes/health.ts'
import { itemRoutes } from './routes/items.ts'

/** Over the longest request line Node accepts, so that a long id is refused by its rule, with its name, and not as "no route". */
const ID_CHARACTERS_MAX = 65_536
/** A body must arrive in this time, ms. */
const REQUEST_MS_MAX = 60_000

/** The routes and what they have in common; nothing listens yet. */
export async function createApp(ports: AppPorts) {
  const app = Fastify({
    loggerInstance: ports.logger,
    // A line for each request would cost more than the request, and would put ids into the log.
    logController: new LogController({ disableRequestLogging: true }),
    // Nor does a request need a logger of its own: all that is ever logged of one is a failure of ours.
    childLoggerFactory: (logger) => logger,
    bodyLimit: ports.valueBytesMax ?? VALUE_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    routerOptions: { maxParamLength: ID_CHARACTERS_MAX },
    frameworkErrors: (error, _request, reply) => {
      sendError(error, reply as FastifyReply)
    },
  }).withTypeProvider<ZodTypeProvider>()

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  // Bytes are stored as they arrive, whatever they are said to be [R7].
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.setErrorHandler((error, _request, reply) => sendError(error, reply))
  app.setNotFoundHandler((_request, reply) => sendAnswer(NO_ROUTE, reply))

  await app.register(swagger, {
    openapi: { info: { title: 'Storage engine', description: 'Items over HTTP', version: '0.1.0' } },
    transform: jsonSchemaTransform,
  })
  await app.register(itemRoutes, ports)
  await app.register(healthRoutes, ports)
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  return app
}

function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  const answer = answerOf(error)
  if (answer.status === 500) reply.log.error({ event: 'request-failed', err: error }, 'a request failed')
  return sendAnswer(answer, reply)
}

function sendAnswer(answer: ErrorAnswer, reply: FastifyReply): FastifyReply {
  const { status, retryAfterSeconds, ...error } = answer
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify({ error }))
}
