import { Buffer } from 'node:buffer'
import { checkContentType, checkState, InvalidInput } from '@se/core'
import type { SubmitCall } from '../call-options.ts'
import { encodeValue, type Codec } from '../value/codec.ts'
import { draftRecord, type RecordDraft } from './record.ts'

export interface AdmissionLimits {
  /** `undefined`: what is not bytes is JSON. */
  readonly codec: Codec | undefined
  readonly valueBytesMax: number
}

/**
 * Checks a submission, and takes a copy of its value: all that is stored of it is in the draft [W11]. Bytes of any kind are
 * stored as they are; anything else as the codec has it, or as JSON. Every tier gives them back byte for byte [R7].
 *
 * @param id has been checked
 * @throws InvalidInput naming the field and the limit, or the path in the value; CodecFailed
 */
export function admit(
  id: string,
  value: unknown,
  call: Pick<SubmitCall, 'state' | 'contentType'>,
  limits: AdmissionLimits,
): RecordDraft {
  const { state } = call
  const { codec, valueBytesMax } = limits
  checkState(state)
  if (call.contentType !== undefined) checkContentType(call.contentType)
  const encoded = encodeValue(value, call.contentType, codec, valueBytesMax)
  const actual = typeof encoded.value === 'string' ? Buffer.byteLength(encoded.value) : encoded.value.length
  if (actual > valueBytesMax) {
    throw new InvalidInput('value', `has ${actual} bytes, the limit is ${valueBytesMax}`, {
      limit: valueBytesMax,
      actual,
    })
  }
  return draftRecord({ id, state, ...encoded })
}
