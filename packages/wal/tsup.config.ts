import { libraryBuild } from '../../tsup.shared.ts'

export default libraryBuild(import.meta.dirname)
