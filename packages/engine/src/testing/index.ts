export { Anomaly, RULES, type Rule } from './anomaly.ts'
export { createMemoryCache, createMemoryTiers } from './memory-tiers.ts'
export { describeAction, type Action, type ActionOf } from './script/actions.ts'
export type { ActionContext, Application, ApplicationAction } from './script/application.ts'
export { decodeScript, encodeScript, readSwitches } from './script/script-text.ts'
export {
  STEPS_MAX,
  SWITCHES,
  writeScript,
  type Script,
  type ScriptSettings,
  type Switch,
} from './script/script.ts'
export type { Variant } from './script/variant.ts'
export { IDS } from './script/writer.ts'
export { shrink } from './shrink.ts'
export {
  run,
  simulate,
  SimulationFailed,
  type SimulationOptions,
  type SimulationOutcome,
} from './simulate.ts'
export { tellStory, type StoryLine } from './story.ts'
export type { FreeOption, Subject } from './world/subject.ts'
export {
  memoryArchiveServer,
  memoryCacheServer,
  type ArchiveServer,
  type ArchiveSettings,
  type CacheServer,
  type CacheSettings,
  type SimulatedTiers,
} from './world/tiers.ts'
