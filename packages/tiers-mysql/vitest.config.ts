import { vitestProject } from '../../vitest.shared.ts'

export default vitestProject('tiers-mysql', { servers: true })
