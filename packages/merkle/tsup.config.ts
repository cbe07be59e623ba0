import { libraryBuild } from '../../tsup.shared.ts'

export default {
  ...libraryBuild(['src/index.ts', 'src/sha256.ts', 'src/sha256.node.ts']),
  // Stays an import: the reader's platform chooses through package.json's `imports`.
  external: ['#sha256'],
}
