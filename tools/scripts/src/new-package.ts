import { WrongCommandLine } from '@se/core/node'

/** A package to be made. */
export interface NewPackage {
  /** Its folder in packages/, and behind `@se/`. */
  readonly name: string
  /** One line: what it is. */
  readonly about: string
  /** The packages it imports. */
  readonly sees: readonly string[]
  /** One above the highest that it sees. */
  readonly layer: number
  readonly version: string
}

/** What is known of a project that is there. */
export interface KnownProject {
  readonly name: string
  /** `undefined`: it has none, as kits and tools. */
  readonly layer: number | undefined
  readonly isPackage: boolean
}

/**
 * @param sees names, separated by commas
 * @throws WrongCommandLine: the name cannot be one or is taken, the text is none, or what it should see is no package
 */
export function planPackage(
  given: { readonly name: string; readonly about: string; readonly sees: string },
  projects: readonly KnownProject[],
  version: string,
): NewPackage {
  const { name, about } = given
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
    throw new WrongCommandLine(
      `${name}: a package is named by lower case words with - between them, 40 characters at most`,
    )
  }
  if (projects.some((project) => project.name === name))
    throw new WrongCommandLine(`${name}: is there already`)
  if (about.trim() === '' || /[\p{Cc}|]/u.test(about)) {
    throw new WrongCommandLine('--about: must be one line of text, without |: it becomes a cell of a table')
  }
  const packages = projects.filter(({ isPackage }) => isPackage)
  const sees = [...new Set(given.sees.split(',').map((each) => each.trim()))].filter((each) => each !== '')
  const seen = sees.map((each) => {
    const found = packages.find((project) => project.name === each)
    if (found !== undefined) return found
    throw new WrongCommandLine(
      `--sees: no package '${each}'; there are ${packages
        .map((project) => project.name)
        .toSorted()
        .join(', ')}`,
    )
  })
  const layer = Math.max(0, ...seen.map((project) => project.layer ?? 0)) + 1
  return { name, about, sees: sees.toSorted(), layer, version }
}

/** The files of the package: path within its folder → text. */
export function filesOf({ name, about, sees, layer, version }: NewPackage): Readonly<Record<string, string>> {
  const sentence = about.endsWith('.') ? about : `${about}.`
  return {
    'package.json': json({
      name: `@se/${name}`,
      version,
      description: about.replace(/\.$/, ''),
      license: 'MIT',
      type: 'module',
      engines: { node: '>=22.14' },
      sideEffects: false,
      exports: {
        '.': { '@se/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
        './package.json': './package.json',
      },
      files: ['dist', 'README.md', 'LICENSE'],
      dependencies: Object.fromEntries(sees.map((each) => [`@se/${each}`, version])),
      devDependencies: { '@se/testkit': version },
      publishConfig: { access: 'public' },
      nx: {
        name,
        tags: [`layer:${layer}`, `scope:${name}`, 'type:package'],
        targets: { build: {}, 'pack-check': {} },
      },
    }),
    'tsconfig.json': `{
  "extends": "../../tsconfig.base.json",
  "compilerOptions": {
    "outDir": "out-tsc",
    "rootDir": ".",
    "tsBuildInfoFile": "out-tsc/tsconfig.tsbuildinfo"
  },
  "include": ["src", "test", "bench", "torture", "mutants.ts"],
  "references": [
${[...sees.map((each) => `../${each}`), '../../tools/testkit'].map((each) => `    {\n      "path": "${each}"\n    }`).join(',\n')}
  ]
}
`,
    'tsconfig.build.json': `{
  "extends": "../../tsconfig.build.base.json",
  "compilerOptions": {
    "rootDir": "src",
    "outDir": "dist"
  },
  "include": ["src"],
  "exclude": ["src/**/*.test.ts", "src/**/*.test-d.ts"]
}
`,
    'tsup.config.ts': `import { libraryBuild } from '../../tsup.shared.ts'

export default libraryBuild(import.meta.dirname)
`,
    'vitest.config.ts': `import { vitestProject } from '../../vitest.shared.ts'

export default vitestProject('${name}')
`,
    'README.md': `# @se/${name}

${sentence}

\`\`\`
npm install @se/${name}
\`\`\`

## Ten lines that run

\`\`\`ts
import { countDistinct } from '@se/${name}'

console.log(countDistinct(['a', 'b', 'a'])) // 2
\`\`\`

## Promises, each with a test

- Texts that are equal count once.

## Limits

- None is known.
`,
    'src/index.ts': `export { countDistinct } from './count-distinct.ts'
`,
    'src/count-distinct.ts': `/** How many different texts there are. It stands here until the package has something of its own. */
export function countDistinct(texts: readonly string[]): number {
  return new Set(texts).size
}
`,
    'src/count-distinct.test.ts': `import { describe, expect, it } from 'vitest'
import { countDistinct } from './count-distinct.ts'

describe('countDistinct', () => {
  it('counts texts that are equal once', () => {
    expect(countDistinct([])).toBe(0)
    expect(countDistinct(['a', 'b', 'a'])).toBe(2)
  })
})
`,
    'test/packed.test.ts': `/** Goal: the package works for a stranger: installed from its tarball, and those of what it imports, in an empty folder. */
import { installPacked, type Stranger } from '@se/testkit/packed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

describe('@se/${name} from its tarball', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('${name}')
  }, 180_000)
  afterAll(() => stranger.close())

  it('runs in Node', () => {
    expect(
      stranger.run(\`import { countDistinct } from '@se/${name}'\\nconsole.log(countDistinct(['a', 'b', 'a']))\`),
    ).toBe('2\\n')
  })

  it('type-checks for a strict caller without Node types', () => {
    expect(
      stranger.typeCheck(
        \`import { countDistinct } from '@se/${name}'\\nexport const count: number = countDistinct(['a'])\`,
      ),
    ).toBe('')
  })
})
`,
    [`test/${name}.test-d.ts`]: `/** The types of the public face, as a caller sees them. Checked by the compiler; nothing here runs. */
import { expectTypeOf } from 'vitest'
import { countDistinct } from '../src/index.ts'

expectTypeOf(countDistinct(['a'])).toEqualTypeOf<number>()
// @ts-expect-error a text is no list of texts
countDistinct('a')
`,
    'mutants.ts': `/** Deliberate defects, and the test that notices each: \`npm run mutants -- --only ${name}\`. */
export const mutants = [
  {
    file: 'src/count-distinct.ts',
    find: 'new Set(texts).size',
    replace: 'texts.length',
    test: 'src/count-distinct.test.ts',
  },
]
`,
  }
}

/** Where the workspace names its packages: path → how the text changes. */
export function editsOf(made: NewPackage): Readonly<Record<string, (text: string) => string>> {
  const { name, about, sees, layer } = made
  const key = /^[a-z0-9]+$/.test(name) ? name : `'${name}'`
  const list = `[${sees.map((each) => `'${each}'`).join(', ')}]`
  return {
    'eslint.config.mjs': (text) =>
      insertBefore(text, '}\n\nconst tests = ', `  ${key}: ${list},\n`, 'eslint.config.mjs'),
    'tsconfig.json': (text) => {
      const settings = JSON.parse(text) as { references: { path: string }[] }
      settings.references.push({ path: `./packages/${name}` })
      return json(settings)
    },
    'tools/system-tests/src/architecture.test.ts': (text) =>
      insertBefore(
        text,
        '  compose: {',
        `  ${key}: { layer: ${layer}, seen: ${list} },\n`,
        'architecture.test.ts',
      ),
    'docs/ARCHITECTURE.md': (text) => {
      const below = text.split('\n').find((line) => /^\d {2}\S/.test(line) && Number(line[0]) < layer)
      return insertBefore(text, `${below}\n`, `${layer}  ${name}\n`, 'docs/ARCHITECTURE.md')
    },
    'README.md': (text) =>
      insertBefore(
        text,
        '| [`@se/core`](packages/core) |',
        `| [\`@se/${name}\`](packages/${name}) | ${about.replace(/\.$/, '')} |\n`,
        'README.md',
      ),
    'CHANGELOG.md': (text) => {
      const heading = '### Features\n\n'
      return text.replace(heading, () => `${heading}- ${name}: ${about.replace(/\.$/, '')}.\n`)
    },
    'package-lock.json': (text) => lockWith(made, text),
  }
}

/** The lock as npm writes it: the project, and the link to it. Nothing is downloaded, because nothing is new. */
function lockWith({ name, sees, version }: NewPackage, text: string): string {
  const lock = JSON.parse(text) as { packages: Record<string, unknown> }
  const packages: Record<string, unknown> = {
    ...lock.packages,
    [`packages/${name}`]: {
      name: `@se/${name}`,
      version,
      license: 'MIT',
      dependencies: Object.fromEntries(sees.map((each) => [`@se/${each}`, version])),
      devDependencies: { '@se/testkit': version },
      engines: { node: '>=22.14' },
    },
    [`node_modules/@se/${name}`]: { resolved: `packages/${name}`, link: true },
  }
  const names = Object.keys(packages).toSorted((a, b) => a.localeCompare(b, 'en'))
  return json({ ...lock, packages: Object.fromEntries(names.map((each) => [each, packages[each]])) })
}

function insertBefore(text: string, anchor: string, inserted: string, file: string): string {
  const [before, after, ...more] = text.split(anchor)
  if (after === undefined || more.length > 0) {
    throw new Error(
      `${file}: ${JSON.stringify(anchor)} must stand there once; the place for a new package is found by it`,
    )
  }
  return before + inserted + anchor + after
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
