/** The types of the public face, as a caller sees them. Checked by the compiler; nothing here runs. */
import type { Stamp } from '@se/core'
import { expectTypeOf } from 'vitest'
import type {
  createEngine,
  Engine,
  EngineConfig,
  EngineFace,
  Item,
  Level,
  ReadResult,
  ReadSource,
} from '../src/index.ts'

declare const engine: Engine
declare const face: EngineFace

expectTypeOf<Level>().toEqualTypeOf<'memory' | 'log' | 'archive'>()
expectTypeOf<typeof createEngine>().parameters.toEqualTypeOf<[EngineConfig]>()
expectTypeOf<typeof createEngine>().returns.toEqualTypeOf<Engine>()

// What reads give: an item, or `undefined` for sure.
expectTypeOf(engine.get('id')).resolves.toEqualTypeOf<Item | undefined>()
expectTypeOf(engine.getSync('id')).toEqualTypeOf<Item | undefined>()
expectTypeOf(engine.getMany(['id'])).resolves.toEqualTypeOf<readonly (Item | undefined)[]>()
expectTypeOf(engine.read('id')).resolves.toEqualTypeOf<ReadResult>()
expectTypeOf<ReadResult['from']>().toEqualTypeOf<ReadSource>()
expectTypeOf(engine.contains('id')).resolves.toEqualTypeOf<boolean>()
expectTypeOf(engine.containsFast('id')).toEqualTypeOf<'present' | 'absent' | 'maybe' | 'unknown'>()

// What writes give.
expectTypeOf(engine.submit('id', { any: 'value' })).resolves.toExtend<{
  readonly stamp: Stamp
  readonly level: Level
}>()
expectTypeOf(engine.submit).parameter(1).toBeUnknown()
expectTypeOf<Parameters<Engine['submit']>[2]>().toExtend<
  { readonly level?: Level; readonly timeoutMs?: number; readonly signal?: AbortSignal } | undefined
>()

// An option that does not exist does not compile.
// @ts-expect-error the option is called `level`
void engine.submit('id', 1, { levels: 'log' })
// @ts-expect-error there is no such consistency
void engine.get('id', { consistency: 'eventual' })
// @ts-expect-error an item belongs to its reader, its stamp to nobody
engine.getSync('id')!.stamp.time = 1

// Another implementation can stand in for an engine, and an engine for it.
expectTypeOf(engine).toExtend<EngineFace>()
expectTypeOf(face.get).toEqualTypeOf<Engine['get']>()
expectTypeOf<Engine>().toExtend<AsyncDisposable>()
