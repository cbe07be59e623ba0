/**
 * How rows are stored.
 *
 *   locked             SELECT … FOR UPDATE; then plain INSERT of the absent, UPDATE of the rest
 *   guarded            plain SELECT; plain INSERT of the absent, UPDATE … WHERE stamp and instance are those read
 *   immediate          SQLite: BEGIN IMMEDIATE takes the one lock of the file; the rest as in `locked`
 *   certified          the same over several nodes, one for each process: locks are known on one node alone; COMMIT compares what
 *                      was written with what others have committed, and may answer "conflict"
 *   upsert             plain SELECT; one upsert for all rows, which asks an existing row for the version read
 *   upsert-counted     the same, and the count of affected rows is compared (1: new, 2: replaced)
 *   upsert-stamp       the same, and an existing row is asked for the stamp read instead of the version
 */
export type Store =
  'locked' | 'guarded' | 'immediate' | 'certified' | 'upsert' | 'upsert-counted' | 'upsert-stamp'

/** The rules of the protocol: docs/protocols/transaction.md says what each is for. All of them on is the protocol. */
export const RULES = {
  // The last statement, which takes the sequence: what its WHERE compares.
  'epoch-compared': true,
  'nonce-compared': true,
  'attempt-compared': true,
  'floor-compared': true,
  'sequence-compared': true,
  /** COMMIT is not sent before the answer to the last statement. */
  'commit-alone': true,
  /** A row in the ledger is one's own only by its link. */
  'link-compared': true,
  /** No row because the predecessor is out, and it was not known to be in: redo after it. */
  'predecessor-may-be-out': true,
  /** A duplicate key in the ledger is looked into, as no row at the last statement is. */
  'duplicate-is-judged': true,
  /** COMMIT of s + 1 waits for no verdict on s. */
  'commit-waits-for-none': true,
  /** s + 1 takes the number of s only where s is known to be out. */
  'number-kept-in-doubt': true,
  /** The last statement of s + 1 is sent once that of s was answered. */
  'last-in-order': true,
  /** Who finds its number not taken counts again first: a batch before it may have been set aside meanwhile. */
  'number-counted-again': true,
  /** An id whose stamp is at or below the planned floor is not left out of the SELECT. */
  'filter-heeds-floor': true,
  /** The planned floor is read before the SELECT. */
  'floor-read-first': true,
  /** In doubt: the verdict waits for the lock of the instance's row, and fences older transactions. */
  'attempt-waits': true,
  /** The attempt to compare is read from the row, with the floor; not remembered by the process. */
  'attempt-read': true,
  /** The attempt is raised only where the epoch is the own one. */
  'attempt-of-own-epoch': true,
  /** A process that is fenced says of a batch in doubt that its fate is unknown. */
  'fenced-is-unknown': true,
  /** A batch that waits for its predecessor in the client gives up after a while. */
  'client-bound': true,
  /** The server ends the waiting of a statement for a lock after a while. */
  'server-bound': true,
  /** A transaction whose client is gone ends: limits at the server, KILL. */
  'ghosts-end': true,
  /** The floor is raised in the row of each instance. */
  'raise-each': true,
  /** A raise never lowers a floor: another collector may have raised it further. */
  'raise-only-up': true,
  /** Tombstones are deleted after the floor is raised. */
  'raise-first': true,
  /** The collector lists tombstones before it raises, and deletes exactly those, by id and stamp. */
  'exact-tombstones': true,
  /** A pass of the collector that does not change the floor collects nothing. */
  'raise-changes-floor': true,
  /** The instances to be raised are listed after the raise of the global floor was committed. */
  'list-after-raise': true,
  /** A claim reads the global floor under the lock that the raise takes. */
  'claim-locks-floor': true,
  /** A take-over reads the last sequence under the lock of the row. */
  'take-over-locks': true,
  /** Who reads the ledger: batches of one instance by sequence. */
  'order-by-sequence': true,
  /** Who reads the ledger: rows of one id by stamp, not by the stamp that each names as its predecessor's. */
  'order-by-stamp': true,
} as const

export type Rule = keyof typeof RULES

export interface Rules extends Readonly<Record<Rule, boolean>> {
  readonly store: Store
}

/** The protocol, with some rules changed. */
export function rulesWith(changed: Partial<Rules> = {}): Rules {
  return { store: 'locked', ...RULES, ...changed }
}
