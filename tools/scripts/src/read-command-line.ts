/**
 * Ends the program with one sentence and the usage when its command line is wrong: a stack trace helps nobody there.
 *
 * @param usage one line, without "usage:"
 * @param read takes what `parseArgs` and `numberOption` give; what they throw is the user's mistake, all else is passed on
 */
export function readCommandLine<T>(usage: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError) && !isOfParseArgs(error)) throw error
    console.error(`${error.message}\nusage: ${usage}`)
    process.exit(1)
  }
}

function isOfParseArgs(error: unknown): error is TypeError {
  const { code } = error as { code?: unknown }
  return error instanceof TypeError && typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
}
