import { readFileSync } from 'node:fs'
import { readSettings, TIER_VARIABLES, userPath, withoutCredentials, type Settings } from '@se/compose'
import { StorageError } from '@se/core'
import { defineCommand, runMain, type ArgsDef } from 'citty'
import { importItems } from './import/import.ts'
import { plantInCache } from './plant/plant-cache.ts'
import { plantInRow } from './plant/plant-row.ts'
import { runTour } from './tour.ts'

/** A command line that says something we do not know. */
class UsageError extends Error {
  override readonly name = 'UsageError'
}

const run = defineCommand({
  meta: {
    name: 'run',
    description: 'Five items through three tiers and back (what is done without a command)',
  },
  args: {},
  run: (context) => runCommand(context, {}, (settings) => runTour(settings)),
})

const plantArgs = {
  where: { type: 'positional', required: true, description: 'cache or row' },
} satisfies ArgsDef

const plant = defineCommand({
  meta: { name: 'plant', description: 'Makes a difference in the cache or in a row, and has it found' },
  args: plantArgs,
  run: (context) =>
    runCommand(context, plantArgs, (settings) => {
      switch (context.args.where) {
        case 'cache':
          return plantInCache(settings)
        case 'row':
          return plantInRow(settings)
        default:
          throw new UsageError(`plant: where must be cache or row, not ${JSON.stringify(context.args.where)}`)
      }
    }),
})

const importArgs = {
  file: {
    type: 'positional',
    required: true,
    description: 'FILE.ndjson, FILE.ndjson.gz, or - for standard input',
  },
  limit: { type: 'string', valueHint: 'N', description: 'Read at most so many lines' },
  'print-acks': { type: 'boolean', description: 'Print "ack <id> <SHA-256>" as each item is acknowledged' },
} satisfies ArgsDef

const importCommand = defineCommand({
  meta: {
    name: 'import',
    description: 'Loads lines {"id": …, "value": …} and reads them back from each tier',
  },
  args: importArgs,
  run: (context) =>
    runCommand(context, importArgs, (settings) => {
      const { file, limit } = context.args
      if (limit !== undefined && !/^[1-9]\d{0,14}$/.test(limit)) {
        throw new UsageError(`--limit must be a whole number from 1, not ${JSON.stringify(limit)}`)
      }
      return importItems(settings, {
        file: file === '-' ? undefined : userPath(file, process.env, process.cwd()),
        limit: limit === undefined ? Infinity : Number(limit),
        isPrintingAcks: context.args['print-acks'] === true,
      })
    }),
})

const demo = defineCommand({
  meta: {
    name: 'npm run demo --',
    description: `The storage engine at work. ${Object.keys(TIER_VARIABLES).join(', ')} say where; else all is temporary`,
  },
  subCommands: { run, plant, import: importCommand },
  default: 'run',
})

/** Runs a command line; `process.exitCode` says how it went: 0, 1 a check failed or it could not be done, 2 lines were skipped. */
export async function main(rawArgs: string[]): Promise<void> {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => process.exit(128 + number))
  }
  if (rawArgs.length === 1 && rawArgs[0] === '--version') {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    process.stdout.write(`${(JSON.parse(text) as { version: string }).version}\n`)
    return
  }
  await runMain(demo, { rawArgs })
}

/** citty takes any option and any number of arguments; we say what we do not know. */
async function runCommand(
  { args }: { readonly args: Readonly<Record<string, unknown>> & { readonly _: readonly string[] } },
  known: ArgsDef,
  command: (settings: Settings) => Promise<number>,
): Promise<void> {
  let settings: Settings | undefined
  try {
    const positionalCount = Object.values(known).filter(({ type }) => type === 'positional').length
    const unknown = [
      ...Object.keys(args).filter((name) => name !== '_' && !isKnown(name, known)),
      ...args._.slice(positionalCount),
    ]
    if (unknown.length > 0) throw new UsageError(`unknown: ${unknown.join(', ')}; --help tells what there is`)
    settings = readSettings(process.env, process.cwd())
    process.exitCode = await command(settings)
  } catch (error) {
    process.exitCode = 1
    const text = describeError(error)
    process.stderr.write(`\n${withoutCredentials(text, [settings?.sqlUrl, settings?.redisUrl])}\n`)
  }
}

function isKnown(name: string, known: ArgsDef): boolean {
  const plain = (text: string) => text.replaceAll('-', '').toLowerCase()
  return Object.keys(known).some((one) => plain(one) === plain(name))
}

/** Errors meant for people in a line or two, with their causes; all others as they are. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isMeant = error instanceof StorageError || error instanceof UsageError || 'code' in error
  if (!isMeant && error.name === 'Error') return error.stack ?? error.message
  const code = error instanceof StorageError ? ` (${error.code})` : ''
  const cause = error.cause instanceof Error ? `\n  because: ${error.cause.message}` : ''
  return `${error.name}${code}: ${error.message}${cause}`
}
