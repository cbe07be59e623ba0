import { StorageError } from '@se/core'

/** A server a test needs is not there, did not start, or did not answer. The message says which, why, and what was tried. */
export class TestServerUnavailable extends StorageError {
  override readonly name = 'TestServerUnavailable'
  readonly code = 'SE_TEST_SERVER_UNAVAILABLE'
}

/** A child process ended before it printed what the test waits for. The message holds the end of its standard error. */
export class ChildEndedEarly extends StorageError {
  override readonly name = 'ChildEndedEarly'
  readonly code = 'SE_TEST_CHILD_ENDED_EARLY'
}
