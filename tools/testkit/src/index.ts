export { TestkitInputInvalid, TestServerUnavailable } from './errors.ts'
export * from './services/index.ts'
