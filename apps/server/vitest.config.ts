import { vitestProject } from '../../vitest.shared.ts'

export default vitestProject('server', { servers: true })
