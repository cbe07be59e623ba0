import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { workspaceRoot } from './run-process.ts'

/**
 * Tracked and new files, with node_modules put together from links. The links to the workspace's own packages are made anew: the
 * installed ones lead back to the originals, and a mutant would not be seen across packages.
 *
 * @param prefix of its folder, among the temporary ones
 * @returns its folder; the caller removes it
 */
export function copyWorkspace(prefix: string): string {
  const target = mkdtempSync(path.join(tmpdir(), prefix))
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: workspaceRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  })
  for (const file of listing.split('\0')) {
    const source = path.join(workspaceRoot, file)
    if (file !== '' && existsSync(source)) cpSync(source, path.join(target, file))
  }
  const modules = path.join(workspaceRoot, 'node_modules')
  mkdirSync(path.join(target, 'node_modules', '@se'), { recursive: true })
  for (const name of readdirSync(modules)) {
    if (name !== '@se') symlinkSync(path.join(modules, name), path.join(target, 'node_modules', name))
  }
  for (const manifest of globSync('{packages,apps,tools}/*/package.json', { cwd: target })) {
    const { name } = JSON.parse(readFileSync(path.join(target, manifest), 'utf8')) as { name: string }
    symlinkSync(path.join(target, path.dirname(manifest)), path.join(target, 'node_modules', name))
    const nested = path.join(path.dirname(manifest), 'node_modules')
    if (existsSync(path.join(workspaceRoot, nested))) {
      symlinkSync(path.join(workspaceRoot, nested), path.join(target, nested))
    }
  }
  return target
}
