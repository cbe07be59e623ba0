import { vitestProject } from '../../vitest.shared.ts'

export default vitestProject('tiers-redis', { servers: true })
