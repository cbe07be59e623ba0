import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where distributions and package managers put servers that an ordinary user's PATH does not list. */
const USUAL_DIRECTORIES = [
  '/usr/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/usr/local/mysql/bin',
]

/** Full path of the first of the names that is an executable file, in PATH and then the usual places. */
export function findBinary(...names: readonly string[]): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...USUAL_DIRECTORIES]
  for (const name of names) {
    for (const directory of directories) {
      if (directory === '') continue
      const path = join(directory, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // not here
      }
    }
  }
  return undefined
}
