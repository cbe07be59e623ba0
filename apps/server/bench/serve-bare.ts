/** What the server is compared with: Fastify with a constant answer, and with one upsert a request. */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { createPool } from 'mysql2/promise'
import { answerQuestions } from './contestant.ts'

const { SE_SQL_URL: url, BENCH_BODY: body = '', BENCH_CONNECTIONS: connections = '1' } = process.env

const app = Fastify()
const constant = Buffer.from(body)
app.get('/items/:id', (_request, reply) => reply.header('content-type', 'application/json').send(constant))

if (url !== undefined) {
  const pool = createPool({ uri: url, connectionLimit: Number(connections) })
  await pool.query(
    'CREATE TABLE bare (id VARBINARY(255) PRIMARY KEY, content_type VARCHAR(127), value LONGBLOB) ENGINE=InnoDB',
  )
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes))
  app.put<{ Params: { id: string } }>('/items/:id', async (request, reply) => {
    await pool.execute(
      'INSERT INTO bare (id, content_type, value) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE content_type = VALUES(content_type), value = VALUES(value)',
      [request.params.id, request.headers['content-type'] ?? '', request.body as Buffer],
    )
    return reply.code(204).send()
  })
}

await app.listen({ host: '127.0.0.1', port: 0 })
answerQuestions((app.server.address() as AddressInfo).port, () => Promise.resolve())
