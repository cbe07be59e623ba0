/** The server as `main.ts` runs it, metrics and all, with a way to ask when everything has reached the archive. */
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { parseServerConfig } from '../src/config.ts'
import { openEngine } from '../src/open-engine.ts'
import { answerQuestions } from './contestant.ts'

const config = parseServerConfig({ ...process.env, PORT: '0' })
const logger = pino({ level: 'warn' })
const { engine, archiveBackend, metrics } = await openEngine(config, logger)
const app = await createApp({ engine, archiveBackend, metrics, logger, isStopping: () => false })
await engine.start()
await app.listen({ host: '127.0.0.1', port: 0 })
answerQuestions((app.server.address() as AddressInfo).port, () => engine.flush())
