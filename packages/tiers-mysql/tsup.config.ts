import { libraryBuild } from '../../tsup.shared.ts'

export default libraryBuild(['src/index.ts', 'src/mysql/index.ts', 'src/sqlite/index.ts'])
