import { defineConfig } from 'tsup'

/** The JavaScript half of a library's build; `tsc -p tsconfig.build.json` writes the declarations beside it. */
export function libraryBuild(entry: string[]) {
  return defineConfig({
    entry: Object.fromEntries(entry.map((file) => [file.replace(/^src\//, '').replace(/\.ts$/, ''), file])),
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    splitting: true,
    dts: false,
    // The target removes dist first; were tsup to clean, it could take tsc's declarations with it.
    clean: false,
    removeNodeProtocol: false,
  })
}
