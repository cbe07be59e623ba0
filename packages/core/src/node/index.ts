export { nodeFileSystem } from './node-file-system.ts'
export { systemClock } from './system-clock.ts'
export { systemRandom } from './system-random.ts'
export { endOnMistake, readCommandLine } from './command-line.ts'
export {
  parseCommandLine,
  WrongCommandLine,
  type CommandLine,
  type Program,
  type ProgramOption,
  type ProgramWord,
} from './program.ts'
