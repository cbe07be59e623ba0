/**
 * The server as a process: configuration from the environment, JSON lines on standard output, SIGTERM and SIGINT to stop.
 *
 * Exit code 0 after a stop, 1 when it could not start or could not stop.
 */
import { readFileSync } from 'node:fs'
import { StorageError } from '@se/core'
import { pino } from 'pino'
import { parseServerConfig, VARIABLES } from './config.ts'
import { serve, type RunningServer } from './serve.ts'

// Written at once: pino's own buffer lets a later line overtake the one that is being written when the process ends.
const logger = pino({ level: 'info' }, pino.destination({ dest: 1, sync: true }))

const HELP = `The storage engine over HTTP. It takes no arguments but --help and --version; variables:

${Object.entries(VARIABLES)
  .map(([name, meaning]) => `  ${name.padEnd(16)} ${meaning}`)
  .join('\n')}
`

const [flag] = process.argv.slice(2)
if (flag !== undefined) {
  const isKnown = flag === '--help' || flag === '--version'
  if (isKnown) process.stdout.write(flag === '--help' ? HELP : `${version()}\n`)
  else process.stderr.write(`unknown argument ${flag}\n\n${HELP}`)
  process.exit(isKnown ? 0 : 1)
}

try {
  const config = parseServerConfig(process.env)
  logger.level = config.logLevel
  await serve(config, logger, stopOnSignal)
} catch (error) {
  const code = error instanceof StorageError ? error.code : undefined
  logger.fatal({ event: 'not-started', code, err: error }, 'the server could not start')
  process.exit(1)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function stopOnSignal(server: RunningServer): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      server.stop().then(
        () => process.exit(),
        (error: unknown) => {
          logger.fatal({ event: 'not-stopped', err: error }, 'the server could not stop in order')
          process.exit(1)
        },
      )
    })
  }
}
