import { Buffer } from 'node:buffer'
import { formatStamp, InvalidInput } from '@se/core'
import type { Item } from '@se/engine'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ITEM_ABSENT } from '../http-errors.ts'
import type { AppPorts } from '../ports.ts'
import { Bytes, Failure, ItemParams, Level, Nothing } from './schemas.ts'

const TAGS = ['items']
const ABSENT = JSON.stringify({ error: { code: ITEM_ABSENT.code, message: ITEM_ABSENT.message } })

/** Get, put and delete one item. */
export const itemRoutes: FastifyPluginAsyncZod<Pick<AppPorts, 'engine'>> = async (app, { engine }) => {
  app.get(
    '/items/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'The item: its bytes as they were put, with stamp (ETag) and version',
        params: ItemParams,
        querystring: z.strictObject({}),
        response: { 200: Bytes, 304: Nothing, 400: Failure, 404: Failure, 503: Failure },
      },
    },
    async (request, reply) => {
      // Sent as they are, without a copy: no part writes to them.
      const item = await engine.get(request.params.id, { bytes: 'shared' })
      return item === undefined
        ? reply
            .code(ITEM_ABSENT.status)
            .header('content-type', 'application/json; charset=utf-8')
            .send(ABSENT)
        : sendItem(item, request, reply)
    },
  )

  app.put(
    '/items/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'Stores the body as it is, under the content type it comes with',
        params: ItemParams,
        querystring: z.strictObject({ level: Level }),
        response: { 204: Nothing, 400: Failure, 413: Failure, 422: Failure, 503: Failure },
      },
    },
    async (request, reply) => {
      refuseConditions(request)
      const { level } = request.query
      // No body at all is an empty value.
      const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array(0)
      const contentType = request.headers['content-type']
      const acknowledged = await engine.submit(request.params.id, bytes, {
        level,
        ...(contentType === undefined ? {} : { contentType }),
      })
      // The archive had something newer: an ETag would claim that these bytes can be read.
      if (acknowledged.supersededBy === undefined)
        reply.header('etag', `"${formatStamp(acknowledged.stamp)}"`)
      else reply.header('x-superseded-by', formatStamp(acknowledged.supersededBy))
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/items/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'Removes the item; also when there is none',
        params: ItemParams,
        querystring: z.strictObject({ level: Level }),
        response: { 204: Nothing, 400: Failure, 503: Failure },
      },
    },
    async (request, reply) => {
      refuseConditions(request)
      await engine.delete(request.params.id, { level: request.query.level })
      return reply.code(204).send(null)
    },
  )
}

function sendItem(item: Item, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const etag = `"${formatStamp(item.stamp)}"`
  reply.header('etag', etag)
  if (item.version !== undefined) reply.header('x-version', item.version)
  if (isNoneMatched(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const { bytes, contentType } = item
  return (
    reply
      .header('content-type', contentType === '' ? 'application/octet-stream' : contentType)
      // The bytes are a client's: a browser must neither guess what they are nor run them as a page of ours.
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', 'sandbox')
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  )
}

/** RFC 9110, section 13.1.2; weak and strong tags compare alike there. */
function isNoneMatched(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((candidate) => {
    const tag = candidate.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}

/** Ignoring a condition would silently lose an update. */
function refuseConditions({ headers }: FastifyRequest): void {
  for (const name of ['if-match', 'if-none-match', 'if-unmodified-since'] as const) {
    if (headers[name] !== undefined) throw new InvalidInput(name, 'conditional writes are not supported yet')
  }
}
