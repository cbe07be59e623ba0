import { vitestProject } from '../../vitest.shared.ts'

export default vitestProject('system-tests', { servers: true })
