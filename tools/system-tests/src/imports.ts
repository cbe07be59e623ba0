/** The imports of the workspace, as they stand in the sources. A type-only import is one: who changes the type changes both files. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** Name → names that it imports, both sorted. */
export type Arrows = ReadonlyMap<string, readonly string[]>

/** A package.json, as far as imports need it. */
interface Manifest {
  readonly name: string
  readonly imports?: Readonly<Record<string, unknown>>
}

/** A folder with a package.json. Files are paths within it, with `/`. */
export interface Project {
  /** Without the scope: `core`, `server`. */
  readonly name: string
  /** Within the workspace: `packages/core`. */
  readonly directory: string
  /** Every TypeScript file → the files of the project it imports. */
  readonly files: Arrows
  /** Every TypeScript file → the projects it imports, by name. */
  readonly projects: Arrows
}

const SCOPE = '@se/'
/** Where files stand that no program loads: they may use the kits, which import what they test. */
const OF_TESTS = /(^|\/)(test|bench|torture|mutants)\/|\.(test|test-d|bench|torture)\.ts$|^[^/]*$/

/** Whether a file is part of what the project is for others: not a test, a bench or a setting of a tool. */
export function isOwn(file: string): boolean {
  return !OF_TESTS.test(file)
}

/** Every project of the workspace. */
export function readProjects(root: string): Project[] {
  return globSync('{packages,apps,tools}/*/package.json', { cwd: root })
    .toSorted()
    .map((file) => readProject(root, path.posix.dirname(file.replaceAll(path.sep, '/'))))
}

function readProject(root: string, directory: string): Project {
  const place = path.join(root, directory)
  const manifest = JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8')) as Manifest
  const sources = globSync('{*,{src,test,bench,torture,mutants}/**/*}.ts', { cwd: place })
    .map((file) => file.replaceAll(path.sep, '/'))
    .toSorted()
  const files = new Map<string, string[]>()
  const projects = new Map<string, string[]>()
  for (const file of sources) {
    const targets = importsOf(file, readFileSync(path.join(place, file), 'utf8'))
    const within = targets.flatMap((target) => withinProject(file, target, manifest))
    const known = within.filter((target) => sources.includes(target))
    files.set(file, [...new Set(known)].toSorted())
    const others = targets.filter((target) => target.startsWith(SCOPE)).map((target) => target.split('/')[1]!)
    projects.set(file, [...new Set(others)].filter((other) => SCOPE + other !== manifest.name).toSorted())
  }
  return { name: manifest.name.slice(SCOPE.length), directory, files, projects }
}

/** Every module that a source names: imports, re-exports, `import()` of values and of types. */
export function importsOf(file: string, source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const named = namedBy(node)
    if (named !== undefined && ts.isStringLiteralLike(named)) found.push(named.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest))
  return found
}

/** The module that a node of the source names, if it is of a kind that names one. */
function namedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0]
  const isTyped = ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
  return isTyped ? node.argument.literal : undefined
}

/** The files of the project that a module name may mean: one by a path, several by `#name`, which is chosen by platform. */
function withinProject(file: string, target: string, { imports = {} }: Manifest): string[] {
  if (target.startsWith('.')) return [path.posix.join(path.posix.dirname(file), target)]
  return target.startsWith('#') ? pathsIn(imports[target]).map((each) => path.posix.normalize(each)) : []
}

function pathsIn(target: unknown): string[] {
  if (typeof target === 'string') return [target]
  return typeof target === 'object' && target !== null ? Object.values(target).flatMap(pathsIn) : []
}

/** Arrows between groups of names; those within a group fall away. */
export function grouped(arrows: Arrows, groupOf: (name: string) => string): Arrows {
  const groups = new Map<string, Set<string>>()
  for (const [from, targets] of arrows) {
    const group = groupOf(from)
    const seen = groups.get(group) ?? groups.set(group, new Set()).get(group)!
    for (const target of targets) if (groupOf(target) !== group) seen.add(groupOf(target))
  }
  return new Map([...groups].map(([group, seen]) => [group, [...seen].toSorted()]))
}

/**
 * The circles: each is a largest set of names that all reach each other, as `a → b → a` along arrows that are there.
 *
 * Source: Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (2), 1972.
 */
export function circlesOf(arrows: Arrows): string[] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const circles: string[] = []
  const visit = (name: string): void => {
    index.set(name, index.size)
    low.set(name, index.get(name)!)
    stack.push(name)
    for (const target of arrows.get(name) ?? []) {
      if (!index.has(target)) visit(target)
      if (stack.includes(target)) low.set(name, Math.min(low.get(name)!, low.get(target)!))
    }
    if (low.get(name) !== index.get(name)) return
    const members = new Set(stack.splice(stack.indexOf(name)))
    const isSelf = arrows.get(name)?.includes(name) === true
    if (members.size > 1 || isSelf) circles.push(shortestCircle(name, members, arrows))
  }
  for (const name of arrows.keys()) if (!index.has(name)) visit(name)
  return circles.toSorted()
}

/** The shortest way from a name back to itself. */
function shortestCircle(start: string, members: ReadonlySet<string>, arrows: Arrows): string {
  const before = new Map<string, string>()
  const queue = [start]
  for (const name of queue) {
    for (const target of arrows.get(name) ?? []) {
      if (target === start) {
        const way = [start]
        for (let at = name; at !== start; at = before.get(at)!) way.unshift(at)
        return [start, ...way].join(' → ')
      }
      if (!members.has(target) || before.has(target)) continue
      before.set(target, name)
      queue.push(target)
    }
  }
  throw new Error(`${start} is in no circle`)
}
