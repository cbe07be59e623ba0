import { LINK_NONE, type Cut } from '../cut.ts'

/** A link for tests: always the same for an instance and a sequence. 16 hex digits. */
export function linkOf(instance: number, sequence: number): string {
  if (sequence === 0) return LINK_NONE
  return instance.toString(16).padStart(6, '0') + sequence.toString(16).padStart(10, '0').slice(-10)
}

/** A cut for tests, with the links of {@link linkOf}. @param sequences pairs of instance and sequence */
export function cutAt(archiveId: string, sequences: Iterable<readonly [number, number]>): Cut {
  return {
    archiveId,
    positions: new Map(
      Array.from(sequences, ([instance, sequence]) => [
        instance,
        { sequence, link: linkOf(instance, sequence) },
      ]),
    ),
  }
}
