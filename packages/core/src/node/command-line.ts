import { readFileSync } from 'node:fs'
import {
  helpOf,
  parseCommandLine,
  usageOf,
  WrongCommandLine,
  type CommandLine,
  type Program,
  type ProgramOption,
} from './program.ts'

/** The exit code that shells use for a program whose output was not read to the end: 128 + SIGPIPE. */
const UNREAD_EXIT_CODE = 141

/**
 * The command line of this process. Ends it with what was asked for after `--help` and `--version`, and after a mistake with one
 * sentence and the usage: a stack trace is of no help there. From now on the process also ends, without a word, when nobody reads what
 * it prints any more, as behind `| head`.
 *
 * @param manifest the package.json that has the version
 * @param interpret makes of it what the program works with; throws `WrongCommandLine` for what the table does not say
 */
export function readCommandLine<
  const Options extends Readonly<Record<string, ProgramOption>>,
  Result = CommandLine<Options>,
>(
  program: Program<Options>,
  manifest: URL,
  interpret: (given: CommandLine<Options>) => Result = (given) => given as Result,
): Result {
  process.stdout.on('error', endUnread)
  try {
    const given = parseCommandLine(program, process.argv.slice(2))
    if (given === 'help') return say(helpOf(program))
    if (given === 'version') return say(versionIn(manifest))
    return interpret(given)
  } catch (error) {
    return endOnMistake(program, error)
  }
}

/** For mistakes that show later: the same sentence and usage. @throws all other errors */
export function endOnMistake(program: Program, error: unknown): never {
  if (!(error instanceof WrongCommandLine)) throw error
  process.stderr.write(`${error.message}\n${usageOf(program)}\n`)
  process.exit(program.usageExitCode ?? 1)
}

function endUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(UNREAD_EXIT_CODE)
}

function say(text: string): never {
  process.stdout.write(`${text}\n`)
  process.exit(0)
}

function versionIn(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
