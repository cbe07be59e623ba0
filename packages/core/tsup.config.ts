import { libraryBuild } from '../../tsup.shared.ts'

export default libraryBuild(['src/index.ts', 'src/hash.ts', 'src/node/index.ts', 'src/testing/index.ts'])
