import { readFileSync } from 'node:fs'
import path from 'node:path'
import { defineConfig, type Options } from 'tsup'

/** What a package.json names by condition: a file, or conditions of its own. */
type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  readonly exports: Readonly<Record<string, Target>>
  readonly imports?: Readonly<Record<string, Target>>
  readonly bin?: Readonly<Record<string, string>>
}

/** The source files behind `@se/source`, whatever conditions follow it. */
function sourcesOf(target: Target, isSource = false): string[] {
  if (typeof target === 'string') return isSource ? [target] : []
  return Object.entries(target).flatMap(([condition, inner]) =>
    sourcesOf(inner, isSource || condition === '@se/source'),
  )
}

/**
 * esbuild writes a class that names itself as `var Item = class _Item`, and `console.log` shows that name. Inside, the name
 * it had means the same. (`keepNames` would do it too, at 1 µs for each function that is made within another.)
 */
const classNames: NonNullable<Options['plugins']>[number] = {
  name: 'class-names',
  renderChunk(code) {
    const renamed = [...code.matchAll(/^var (\w+) = class (_\1)\b/gm)]
    return {
      code: renamed.reduce(
        (text, [, name, inner]) => text.replaceAll(new RegExp(`\\b${inner}\\b`, 'g'), name!),
        code,
      ),
    }
  },
}

/**
 * The JavaScript half of a library's build; `tsc -p tsconfig.build.json` writes the declarations beside it. What is built follows from
 * the package's `exports`, `imports` and `bin`, so that a new sub-path is declared in one place.
 *
 * @param directory of the package
 */
export function libraryBuild(directory: string) {
  const manifest = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as Manifest
  const { exports, imports = {} } = manifest
  const sources = [...Object.values(exports), ...Object.values(imports)].flatMap((target) =>
    sourcesOf(target),
  )
  const commands = Object.values(manifest.bin ?? {}).map((file) =>
    file.replace('./dist/', './src/').replace(/\.js$/, '.ts'),
  )
  return defineConfig({
    entry: Object.fromEntries(
      [...sources, ...commands].map((file) => [file.replace(/^\.\/src\/|\.ts$/g, ''), file]),
    ),
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    splitting: true,
    plugins: [classNames],
    // A package's own `imports` are resolved where it runs: that is what they are for.
    external: [/^#/],
    dts: false,
    // The target removes dist first; were tsup to clean, it could take tsc's declarations with it.
    clean: false,
    removeNodeProtocol: false,
  })
}
