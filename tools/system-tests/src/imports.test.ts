/**
 * Goal: a reader who follows the imports of a project goes down, and never meets a file again.
 * Method: the imports are read from the sources and drawn as arrows, between files, folders and projects; then circles are looked for,
 * and in the engine arrows against the declared order of its parts. There is no exception.
 */
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { circlesOf, grouped, importsOf, isOwn, readProjects, type Arrows, type Project } from './imports.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The parts of the engine's `src`, from the top down: a part imports only from lines below its own. */
const ENGINE_ORDER: readonly (readonly string[])[] = [
  ['testing'],
  ['index.ts'],
  ['create-engine.ts'],
  ['engine.ts'],
  ['inspect'],
  ['lifecycle'],
  ['config.ts'],
  ['read', 'write'],
  ['flush'],
  ['views'],
  ['heard'],
  ['back'],
  ['memory', 'item.ts'],
  ['call-options.ts'],
  ['seam'],
  ['guard', 'logging', 'telemetry.ts'],
  ['deadline', 'directory.ts', 'kept-item.ts', 'level.ts', 'observer', 'report.ts', 'value'],
]

/** The back of the engine, what it may import, and the one file that puts it behind the seam. */
const BACK = 'src/back'
const BACK_MAY_IMPORT = [BACK, 'src/guard', 'src/observer', 'src/seam', 'src/telemetry.ts']
const BACK_IS_MADE_IN = 'src/lifecycle/assemble.ts'

/** Arrows between the two planes of the engine that do not go through the seam. */
function pastTheSeam(arrows: Arrows): string[] {
  return [...arrows].flatMap(([from, targets]) =>
    targets
      .filter((to) => {
        if (partOf(from) === BACK) return to.startsWith('src/') && !BACK_MAY_IMPORT.includes(partOf(to))
        return partOf(to) === BACK && from !== BACK_IS_MADE_IN
      })
      .map((to) => `${from} → ${to}`),
  )
}

/** Folder below `src`, or the file itself where it stands at the top. */
function partOf(file: string): string {
  return file.split('/').slice(0, 2).join('/')
}

function ownOf(arrows: Arrows): Arrows {
  return new Map([...arrows].filter(([file]) => isOwn(file)))
}

/** Arrows against the order, and parts that have no place in it. */
function againstOrder(arrows: Arrows, order: readonly (readonly string[])[]): string[] {
  const lineOf = (file: string) =>
    order.findIndex((parts) => parts.includes(partOf(file).slice('src/'.length)))
  return [...arrows].flatMap(([from, targets]) =>
    lineOf(from) === -1
      ? [`${partOf(from)} has no place in the order`]
      : targets
          .filter((to) => lineOf(to) !== -1 && partOf(to) !== partOf(from) && lineOf(to) <= lineOf(from))
          .map((to) => `${from} → ${to}`),
  )
}

/** Everything that is wrong within a project. */
function faultsOf(project: Project): string[] {
  const own = ownOf(project.files)
  return [
    ...circlesOf(project.files),
    ...circlesOf(grouped(own, partOf)),
    ...(project.name === 'engine' ? againstOrder(own, ENGINE_ORDER) : []),
  ]
}

let projects: readonly Project[]
beforeAll(() => {
  projects = readProjects(root)
})

describe('the imports', () => {
  it('are read: every project has arrows', () => {
    expect(projects.map(({ name }) => name)).toEqual(expect.arrayContaining(['core', 'engine', 'server']))
    const arrowCount = ({ files }: Project) => [...files.values()].flat().length
    expect(projects.filter((project) => arrowCount(project) === 0).map(({ name }) => name)).toEqual([])
  })

  it('go in no circle within a project, and between the folders of none back up', () => {
    const faults = projects.map((project) => ({ name: project.name, found: faultsOf(project) }))
    expect(faults.filter(({ found }) => found.length > 0)).toEqual([])
  })

  it('follow an order that names the parts of the engine, and nothing that is gone', () => {
    const { files } = projects.find(({ name }) => name === 'engine')!
    const parts = new Set([...files.keys()].filter(isOwn).map((file) => partOf(file).slice('src/'.length)))
    expect([...parts].toSorted()).toEqual(ENGINE_ORDER.flat().toSorted())
  })

  it('cross between the front of the engine and its back at the seam alone', () => {
    const own = ownOf(projects.find(({ name }) => name === 'engine')!.files)
    expect([...own.keys()].filter((file) => partOf(file) === BACK).length).toBeGreaterThan(10)
    expect(pastTheSeam(own)).toEqual([])
  })

  it('go in no circle between projects, tests apart', () => {
    const arrows = new Map(
      projects.map(({ name, projects: seen }) => [name, [...ownOf(seen).values()].flat()]),
    )
    expect(arrows.get('engine')).toContain('core')
    expect(circlesOf(arrows)).toEqual([])
  })
})

describe('what reads them', () => {
  it('sees every way to name a module, types included', () => {
    const source = `
      import a, { type B } from './a.ts'
      import type { C } from './c.ts'
      export * from './d.ts'
      export type { E } from './e.ts'
      const f = await import('./f.ts')
      type G = import('./g.ts').G
      const text = "import './not.ts'" // import './nor.ts'`
    expect(importsOf('x.ts', source)).toEqual(['./a.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts'])
  })

  it('finds circles of every length, and names the arrows of each', () => {
    const arrows = (text: string) =>
      new Map(text.split(', ').map((line) => [line[0]!, [...line.slice(2)]] as const))
    expect(circlesOf(arrows('a>b, b>c, c>'))).toEqual([])
    expect(circlesOf(arrows('a>b, b>c, c>b'))).toEqual(['b → c → b'])
    expect(circlesOf(arrows('a>bc, b>d, c>d, d>a'))).toEqual(['a → b → d → a'])
    expect(circlesOf(arrows('a>a, b>c, c>b'))).toEqual(['a → a', 'b → c → b'])
  })

  it('finds arrows past the seam, either way', () => {
    const files = new Map([
      ['src/back/one.ts', ['src/back/two.ts', 'src/seam/messages.ts', 'src/heard/heard.ts', 'core']],
      ['src/read/three.ts', ['src/seam/messages.ts', 'src/back/one.ts']],
      [BACK_IS_MADE_IN, ['src/back/one.ts']],
    ])
    expect(pastTheSeam(files)).toEqual([
      'src/back/one.ts → src/heard/heard.ts',
      'src/read/three.ts → src/back/one.ts',
    ])
  })

  it('draws folders from files', () => {
    const files = new Map([
      ['src/a/one.ts', ['src/a/two.ts', 'src/b/three.ts']],
      ['src/b/three.ts', []],
    ])
    expect(grouped(files, partOf)).toEqual(
      new Map([
        ['src/a', ['src/b']],
        ['src/b', []],
      ]),
    )
    expect(againstOrder(files, [['b'], ['a']])).toEqual(['src/a/one.ts → src/b/three.ts'])
    expect(againstOrder(files, [['a', 'b']])).toEqual(['src/a/one.ts → src/b/three.ts'])
    expect(againstOrder(files, [['a']])).toEqual(['src/b has no place in the order'])
    expect(againstOrder(files, [['a'], ['b']])).toEqual([])
  })
})
