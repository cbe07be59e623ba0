/** Deliberate defects of what judges the architecture, and the test that notices each: `npm run mutants -- --only system-tests`. */
const IMPORTS = { test: 'src/imports.test.ts' }

export const mutants = [
  {
    file: 'src/imports.ts',
    find: 'ts.isImportDeclaration(node) || ts.isExportDeclaration(node)',
    replace: 'ts.isImportDeclaration(node)',
    ...IMPORTS,
  },
  { file: 'src/imports.ts', find: 'ts.isImportTypeNode(node) &&', replace: 'false &&', ...IMPORTS },
  {
    file: 'src/imports.ts',
    find: 'if (stack.includes(target)) low.set',
    replace: 'if (false) low.set',
    ...IMPORTS,
  },
  { file: 'src/imports.ts', find: 'members.size > 1 || isSelf', replace: 'members.size > 1', ...IMPORTS },
]
