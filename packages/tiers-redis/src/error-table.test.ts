/** Goal: each error that can come back means what the table says, in whatever words of the client or of a script it comes. */
import { TierMisconfigured, TierUnavailable } from '@se/core'
import { describe, expect, it } from 'vitest'
import { judgeError, MESSAGES, REPLY_CODES, SYSTEM_CODES, UNLISTED, type Verdict } from './error-table.ts'
import { failureOf, fateOf, isRefusalForNow } from './failures.ts'

const judge = (message: string, code?: string): Verdict =>
  judgeError(Object.assign(new Error(message), code === undefined ? {} : { code }))

/** Replies of real servers, by what they mean. */
const REPLIES: readonly [reply: string, command: Verdict['command'], connection: Verdict['connection']][] = [
  ["READONLY You can't write against a read only replica.", 'not-done', 'reconnect'],
  ['READONLY Can not run script with write flag on readonly replica', 'not-done', 'reconnect'],
  ['LOADING Redis is loading the dataset in memory', 'not-done', 'reconnect'],
  [
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'not-done',
    'reconnect',
  ],
  ['CLUSTERDOWN The cluster is down', 'not-done', 'reconnect'],
  ['CLUSTERDOWN Hash slot not served', 'not-done', 'reconnect'],
  ['MOVED 3999 127.0.0.1:6381', 'not-done', 'reconnect'],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'not-done', 'keep'],
  ['NOAUTH Authentication required.', 'misconfigured', 'reconnect'],
  [
    'NOAUTH HELLO must be called with the client already authenticated, otherwise …',
    'misconfigured',
    'reconnect',
  ],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'misconfigured', 'reconnect'],
  ["NOPERM this user has no permissions to run the 'evalsha' command", 'misconfigured', 'keep'],
  [
    'NOPERM this user has no permissions to access one of the keys used as arguments',
    'misconfigured',
    'keep',
  ],
  ['NOPERM No permissions to access a key', 'misconfigured', 'keep'],
  [
    'DENIED Redis is running in protected mode because protected mode is enabled and no password is set',
    'misconfigured',
    'reconnect',
  ],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'no-memory', 'keep'],
  [
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'not-done',
    'keep',
  ],
  ['NOREPLICAS Not enough good replicas to write.', 'not-done', 'keep'],
  [
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'not-done',
    'keep',
  ],
  ['NOSCRIPT No matching script. Please use EVAL.', 'not-done', 'keep'],
  ['EXECABORT Transaction discarded because of previous errors.', 'not-done', 'keep'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'wrong-type', 'keep'],
  ["CROSSSLOT Keys in request don't hash to the same slot", 'misconfigured', 'keep'],
  ["ERR unknown command 'HELLO', with args beginning with: '3'", 'misconfigured', 'keep'],
  ['ERR DB index is out of range', 'misconfigured', 'reconnect'],
  ['ERR SELECT is not allowed in cluster mode', 'misconfigured', 'reconnect'],
  ['ERR invalid password', 'misconfigured', 'reconnect'],
  ['ERR max number of clients reached', 'not-done', 'reconnect'],
  ['ERR max number of clients + cluster connections reached', 'not-done', 'reconnect'],
  ['ERR Protocol error: invalid bulk length', 'too-big', 'keep'],
  ['ERR string exceeds maximum allowed size (proto-max-bulk-len)', 'too-big', 'keep'],
  ['ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1277695 bytes. See …', 'too-big', 'keep'],
  ['ERR max daily request limit exceeded. Limit: 10000, Usage: 10000. See …', 'not-done', 'keep'],
  ['no upstream host', 'in-doubt', 'reconnect'],
  ['upstream failure', 'in-doubt', 'reconnect'],
]

describe('an error', () => {
  it.each(REPLIES)('%s [P69]', (reply, command, connection) => {
    expect(judge(reply)).toMatchObject({ command, connection })
  })

  it.each(REPLIES.filter(([reply]) => /^[A-Z]{3,} /.test(reply) && !reply.startsWith('ERR')))(
    'means the same out of a script and out of a chain of redirections: %s',
    (reply, command, connection) => {
      for (const wrapped of [
        `ERR Error running script (call to f_401d7f): @user_script:12: ${reply}`,
        `ERR Error running script (call to f_401d7f): @user_script:1: @user_script: 1: -${reply}`,
        `ERR user_script:7: ${reply} script: 401d7f, on @user_script:7.`,
        `${reply} script: 401d7f, on @user_script:7.`,
        `Too many Cluster redirections. Last error: ReplyError: ${reply}`,
      ]) {
        expect(judge(wrapped), wrapped).toMatchObject({ command, connection })
      }
    },
  )

  it.each<[string, string | undefined, Verdict['command']]>([
    ['connect ECONNREFUSED 127.0.0.1:6379', 'ECONNREFUSED', 'not-done'],
    ['read ECONNRESET', 'ECONNRESET', 'in-doubt'],
    ['connect ETIMEDOUT', 'ETIMEDOUT', 'in-doubt'],
    ['getaddrinfo ENOTFOUND redis.nowhere', 'ENOTFOUND', 'misconfigured'],
    ['getaddrinfo EAI_AGAIN redis', 'EAI_AGAIN', 'not-done'],
    ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'misconfigured'],
    ['Connection is closed.', undefined, 'in-doubt'],
    ["Stream isn't writeable and enableOfflineQueue options is false", undefined, 'not-done'],
    ["Cluster isn't ready and enableOfflineQueue options is false", undefined, 'not-done'],
    ['Too many Cluster redirections. Last error: Error: Connection is closed.', undefined, 'in-doubt'],
    ['Command timed out', undefined, 'in-doubt'],
    ['Command aborted due to connection close', undefined, 'in-doubt'],
    ['Reached the max retries per request limit (which is 0). Refer to …', undefined, 'in-doubt'],
    ['Failed to refresh slots cache.', undefined, 'not-done'],
    ['None of startup nodes is available', undefined, 'not-done'],
    ['Connection in subscriber mode, only subscriber commands may be used', undefined, 'misconfigured'],
  ])('of the client keeps the connection to the client: %s', (message, code, command) => {
    expect(judge(message, code)).toMatchObject({ command, connection: 'keep' })
  })

  it('that nobody has listed ends the connection, and the command is in doubt', () => {
    for (const message of [
      'ERR something new',
      'SURPRISE of a later release',
      'HTTP/1.1 400 Bad Request',
      '',
    ]) {
      expect(judge(message)).toBe(UNLISTED)
    }
    expect(UNLISTED).toMatchObject({ command: 'in-doubt', connection: 'reconnect' })
  })

  it('is a misconfiguration for the caller where retrying is useless, else unavailability', () => {
    const verdicts = [...Object.entries(REPLY_CODES), ...Object.entries(SYSTEM_CODES)]
    for (const [code, verdict] of verdicts) {
      const error =
        code in REPLY_CODES ? new Error(`${code} words`) : Object.assign(new Error('words'), { code })
      const failure = failureOf(error)
      const expected = verdict.command === 'misconfigured' ? TierMisconfigured : TierUnavailable
      expect(failure.error, code).toBeInstanceOf(expected)
      expect(failure.error.message, code).toContain('words')
      expect(fateOf(failure.error), code).toBe(verdict.command)
    }
    expect(MESSAGES.length).toBeGreaterThan(0)
  })

  it('of a server that is there and does not do it now is told from one that is away', () => {
    const answers = (message: string) => isRefusalForNow(failureOf(new Error(message)).error)
    expect(answers("OOM command not allowed when used memory > 'maxmemory'.")).toBe(true)
    expect(answers('BUSY Redis is busy running a script.')).toBe(true)
    expect(answers('LOADING Redis is loading the dataset in memory')).toBe(false)
    expect(answers('Connection is closed.')).toBe(false)
    expect(answers('WRONGPASS invalid username-password pair')).toBe(false)
  })

  it('comes without the command, which may hold a password [P49]', () => {
    const error = Object.assign(new Error('WRONGPASS nonsense'), {
      command: { name: 'auth', args: ['secret'] },
    })
    const { error: told } = failureOf(error)
    expect(JSON.stringify(told, Object.getOwnPropertyNames(told)) + JSON.stringify(told.cause)).not.toContain(
      'secret',
    )
  })
})
