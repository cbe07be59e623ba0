/**
 * Every error that can come back from Redis, from what stands before it, or from the client, and what it means: for the
 * command that met it, and for the connection. What is not here ends the connection, and the command is in doubt.
 *
 * Source: the replies in the source of Redis 7.0, and of those that speak its protocol.
 */

/** What became of the command. */
export type CommandFate =
  /** Not carried out. Later it may be. */
  | 'not-done'
  /** Perhaps carried out, perhaps later. */
  | 'in-doubt'
  /** Not carried out, and as large as it is it never will be. */
  | 'too-big'
  /** Not carried out: the memory is full, of which a large value may be the cause. */
  | 'no-memory'
  /** Not carried out: the key holds another type than ours. */
  | 'wrong-type'
  /** Not carried out, and it will not be until an operator changes the configuration of client or server. */
  | 'misconfigured'

/** `reconnect`: the server at the other end is not, or not now, the one that was asked for. */
export type ConnectionFate = 'keep' | 'reconnect'

export interface Verdict {
  readonly command: CommandFate
  readonly connection: ConnectionFate
  /** A short word, for `details.because` and for branching. */
  readonly because: string
}

/** By the first word of a reply. */
export const REPLY_CODES: Readonly<Record<string, Verdict>> = {
  // The server is another one than it was, or not ready: what is asked for at the same address may be a better one.
  READONLY: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  LOADING: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  MASTERDOWN: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  NOMASTERLINK: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  CLUSTERDOWN: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  // The client follows these itself; they reach us when it has given up.
  MOVED: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  ASK: { command: 'not-done', connection: 'reconnect', because: 'disconnected' },
  // Half of the keys are at their new node. It passes.
  TRYAGAIN: { command: 'not-done', connection: 'keep', because: 'busy' },
  // The server is the right one and cannot, now.
  BUSY: { command: 'not-done', connection: 'keep', because: 'busy' },
  INPROG: { command: 'not-done', connection: 'keep', because: 'busy' },
  UNBLOCKED: { command: 'not-done', connection: 'keep', because: 'busy' },
  EXECABORT: { command: 'not-done', connection: 'keep', because: 'busy' },
  OOM: { command: 'no-memory', connection: 'keep', because: 'out-of-memory' },
  MISCONF: { command: 'not-done', connection: 'keep', because: 'server-cannot-write' },
  NOREPLICAS: { command: 'not-done', connection: 'keep', because: 'server-cannot-write' },
  IOERR: { command: 'in-doubt', connection: 'keep', because: 'busy' },
  // The client sends the script again by itself; this reaches us when that was of no use.
  NOSCRIPT: { command: 'not-done', connection: 'keep', because: 'busy' },
  NOTBUSY: { command: 'not-done', connection: 'keep', because: 'busy' },
  UNKILLABLE: { command: 'not-done', connection: 'keep', because: 'busy' },
  BUSYKEY: { command: 'wrong-type', connection: 'keep', because: 'wrong-type' },
  WRONGTYPE: { command: 'wrong-type', connection: 'keep', because: 'wrong-type' },
  // An operator has to change something.
  NOAUTH: { command: 'misconfigured', connection: 'reconnect', because: 'no-password' },
  WRONGPASS: { command: 'misconfigured', connection: 'reconnect', because: 'wrong-password' },
  NOPERM: { command: 'misconfigured', connection: 'keep', because: 'no-permission' },
  DENIED: { command: 'misconfigured', connection: 'reconnect', because: 'protected-mode' },
  NOPROTO: { command: 'misconfigured', connection: 'keep', because: 'unknown-protocol' },
  CROSSSLOT: { command: 'misconfigured', connection: 'keep', because: 'cluster-unknown-to-client' },
}

interface MessageRule extends Verdict {
  readonly matches: RegExp
}

/** By the text, for what has no code of its own: replies that begin with `ERR`, proxies, and the client's own errors. */
export const MESSAGES: readonly MessageRule[] = [
  // Of the server.
  {
    matches: /(unknown|unsupported) command/i,
    command: 'misconfigured',
    connection: 'keep',
    because: 'unknown-command',
  },
  {
    matches: /db index|database index|select is not allowed/i,
    command: 'misconfigured',
    connection: 'reconnect',
    because: 'unknown-database',
  },
  {
    matches: /invalid password|called without any password/i,
    command: 'misconfigured',
    connection: 'reconnect',
    because: 'wrong-password',
  },
  {
    matches: /max(imum)? number of clients/i,
    command: 'not-done',
    connection: 'reconnect',
    because: 'too-many-clients',
  },
  {
    matches: /invalid bulk length|too big (bulk|mbulk|inline)|proto-max-bulk-len/i,
    command: 'too-big',
    connection: 'keep',
    because: 'too-big',
  },
  {
    matches: /cross.?slot|keys .*same slot|cluster support disabled/i,
    command: 'misconfigured',
    connection: 'keep',
    because: 'cluster-unknown-to-client',
  },
  {
    matches: /write against a read only/i,
    command: 'not-done',
    connection: 'reconnect',
    because: 'disconnected',
  },
  // Of what stands before a server, or offers Redis as a service.
  {
    matches: /max(imum)? (daily |monthly )?(request|bandwidth)s? (limit|quota)/i,
    command: 'not-done',
    connection: 'keep',
    because: 'quota',
  },
  {
    matches: /max(imum)? (request|record|value|payload) size|(request|payload|value) (is )?too (large|big)/i,
    command: 'too-big',
    connection: 'keep',
    because: 'too-big',
  },
  {
    matches: /no upstream|upstream failure|upstream connection|proxy.*(error|closed)|bad gateway/i,
    command: 'in-doubt',
    connection: 'reconnect',
    because: 'disconnected',
  },
  // Of the client.
  {
    matches: /^Command timed out$|^Blocking command timed out/,
    command: 'in-doubt',
    connection: 'keep',
    because: 'timeout',
  },
  { matches: /Socket timeout/, command: 'in-doubt', connection: 'keep', because: 'timeout' },
  { matches: /connect ETIMEDOUT/, command: 'not-done', connection: 'keep', because: 'disconnected' },
  { matches: /subscriber mode/i, command: 'misconfigured', connection: 'keep', because: 'client-subscribed' },
  {
    matches: /monitor(ing)? mode/i,
    command: 'misconfigured',
    connection: 'keep',
    because: 'client-monitors',
  },
  {
    matches:
      /stream isn't writeable|cluster isn't ready|none of startup nodes|failed to refresh slots|node is disconnected|all sentinels are unreachable/i,
    command: 'not-done',
    connection: 'keep',
    because: 'disconnected',
  },
  {
    matches:
      /connection is (closed|aborted|discarded)|cluster is (ended|disconnected|disconnecting)|aborted due to connection close|max retries per request/i,
    command: 'in-doubt',
    connection: 'keep',
    because: 'disconnected',
  },
]

/** A right that is missing for some keys only: others may be used. */
const NO_PERMISSION_FOR_KEY: MessageRule = {
  matches: /^-?NOPERM\b.*\bkeys?\b/,
  command: 'misconfigured',
  connection: 'keep',
  because: 'no-permission-for-key',
}

/** By `code` of an error of the system, where the connection is gone already, or was never made. */
export const SYSTEM_CODES: Readonly<Record<string, Verdict>> = {
  ...Object.fromEntries(
    [
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EHOSTDOWN',
      'ENETDOWN',
      'EAI_AGAIN',
      'ENOENT',
      'EADDRNOTAVAIL',
    ].map((code): [string, Verdict] => [
      code,
      { command: 'not-done', connection: 'keep', because: 'disconnected' },
    ]),
  ),
  ...Object.fromEntries(
    [
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'ECONNABORTED',
      'ENOTCONN',
      'ERR_STREAM_DESTROYED',
      'ERR_STREAM_WRITE_AFTER_END',
      'ERR_SOCKET_CLOSED',
    ].map((code): [string, Verdict] => [
      code,
      { command: 'in-doubt', connection: 'keep', because: 'disconnected' },
    ]),
  ),
  ENOTFOUND: { command: 'misconfigured', connection: 'keep', because: 'unknown-host' },
  EACCES: { command: 'misconfigured', connection: 'keep', because: 'no-permission' },
  ...Object.fromEntries(
    [
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'EPROTO',
    ].map((code): [string, Verdict] => [
      code,
      { command: 'misconfigured', connection: 'keep', because: 'tls' },
    ]),
  ),
}

/** What is in none of the tables. */
export const UNLISTED: Verdict = { command: 'in-doubt', connection: 'reconnect', because: 'disconnected' }

/** What an error of the client or the server means. */
export function judgeError(error: Error & { code?: unknown }): Verdict {
  const text = innermost(error.message)
  if (NO_PERMISSION_FOR_KEY.matches.test(text)) return NO_PERMISSION_FOR_KEY
  const code = /^-?([A-Z]{3,})\b/.exec(text)?.[1] ?? ''
  if (Object.hasOwn(REPLY_CODES, code)) return REPLY_CODES[code]!
  const system = typeof error.code === 'string' ? error.code : ''
  if (Object.hasOwn(SYSTEM_CODES, system)) return SYSTEM_CODES[system]!
  return MESSAGES.find((rule) => rule.matches.test(text)) ?? UNLISTED
}

/** What a script or a chain of redirections met in the end: Redis before 7, and the client, put it behind words of their own. */
function innermost(message: string): string {
  const redirected = /Last error: (?:ReplyError: |Error: )?(.*)$/s.exec(message)?.[1]
  if (redirected !== undefined) return innermost(redirected)
  if (!message.startsWith('ERR')) return message
  return /.*user_script:\s*\d+:\s*(-?[A-Z]{3,} .*)$/s.exec(message)?.[1] ?? message
}
