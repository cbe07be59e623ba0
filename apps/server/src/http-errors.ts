import { InvalidInput, StorageError } from '@se/core'
import type { ErrorKind } from '@se/metrics'

/** What a client gets when a request fails. `code` is for programs, `message` for people. */
export interface ErrorAnswer {
  readonly status: number
  /** Seconds after which trying again makes sense; unset where it does not. */
  readonly retryAfterSeconds?: number
  readonly code: string
  readonly message: string
  /** The argument that was wrong. */
  readonly field?: string
}

/**
 * Status by the code of an error of the packages; a code that is not here is 500, as no request should meet it. None is 404: that a
 * tier cannot answer is not absence [R1]. docs/errors.md shows the same.
 *
 * 503 with Retry-After: nothing happened or repeating is safe, and it is expected to pass. 503 without: this process
 * cannot do it any more; another one may.
 */
const BY_CODE: { readonly [code in ErrorKind]?: { status: number; retryAfterSeconds?: number } } = {
  SE_INVALID_INPUT: { status: 400 },
  SE_TIER_UNAVAILABLE: { status: 503, retryAfterSeconds: 1 },
  SE_DEADLINE_EXCEEDED: { status: 503, retryAfterSeconds: 1 },
  SE_CALL_ABORTED: { status: 503, retryAfterSeconds: 1 },
  SE_WRONG_PHASE: { status: 503, retryAfterSeconds: 1 },
  SE_BACKPRESSURE: { status: 503, retryAfterSeconds: 1 },
  SE_LOG_FULL: { status: 503, retryAfterSeconds: 1 },
  SE_LOG_FAILED: { status: 503 },
  SE_TIER_MISCONFIGURED: { status: 503 },
  SE_LOG_LOCK_LOST: { status: 503 },
  SE_LOG_CLOSED: { status: 503 },
  SE_INSTANCE_FENCED: { status: 503 },
  SE_LOG_RECORD_TOO_LARGE: { status: 413 },
  SE_ARCHIVE_REFUSED_DATA: { status: 422 },
}

/** What is the server's own to say. */
export const NO_ROUTE = { status: 404, code: 'SE_HTTP_NO_ROUTE', message: 'there is no such route' }
export const ITEM_ABSENT = {
  status: 404,
  code: 'SE_HTTP_ITEM_ABSENT',
  message: 'there is no such item',
} as const
export const BODY_TOO_LARGE = {
  status: 413,
  code: 'SE_HTTP_BODY_TOO_LARGE',
  message: 'value: is over the limit',
  field: 'value',
}
export const UNEXPECTED = {
  status: 500,
  code: 'SE_HTTP_UNEXPECTED',
  message: 'the request failed for a reason of the server',
}

function statusOf(code: string): { status: number; retryAfterSeconds?: number } | undefined {
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code as ErrorKind] : undefined
}

/** What to answer. Errors that were not planned for say nothing of themselves: their messages may quote anything. */
export function answerOf(error: unknown): ErrorAnswer {
  if (error instanceof InvalidInput) {
    const isTooLarge = error.field === 'value' && error.details['limit'] !== undefined
    const { code, message, field } = error
    return { status: isTooLarge ? 413 : statusOf(code)!.status, code, message, field }
  }
  if (error instanceof StorageError) {
    const known = statusOf(error.code)
    return known === undefined
      ? { ...UNEXPECTED, code: error.code }
      : { ...known, code: error.code, message: error.message }
  }
  return answerOfFramework(error) ?? UNEXPECTED
}

/** Errors of Fastify and Node that are the client's: they carry a status below 500 and a code of their own. */
function answerOfFramework(error: unknown): ErrorAnswer | undefined {
  if (!(error instanceof Error)) return undefined
  const { statusCode, code, validation } = error as Error & {
    statusCode?: unknown
    code?: unknown
    validation?: readonly { instancePath?: string; message?: string }[]
  }
  if (Array.isArray(validation)) {
    const [first] = validation as readonly { instancePath?: string; message?: string }[]
    const field = first?.instancePath?.replace(/^\//, '') ?? ''
    return {
      status: 400,
      code: 'SE_INVALID_INPUT',
      message: `${field}: ${first?.message ?? 'is not allowed'}`,
      field,
    }
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return BODY_TOO_LARGE
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, code: String(code), message: error.message }
  }
  return undefined
}
