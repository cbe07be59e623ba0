/** A server a test needs is not there, did not start, or did not end. The message says which, why, and what was tried. */
export class TestServerUnavailable extends Error {
  override readonly name = 'TestServerUnavailable'
  readonly code = 'SE_TEST_SERVER_UNAVAILABLE'
}

/** A helper of the testkit was called with something it cannot work with; the message names the field and its limit. */
export class TestkitInputInvalid extends Error {
  override readonly name = 'TestkitInputInvalid'
  readonly code = 'SE_TESTKIT_INPUT_INVALID'
}
