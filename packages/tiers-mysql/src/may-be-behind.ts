/**
 * The archive lacks what this instance knows to be committed: it has gone back, or the server that was asked is only
 * behind. Internal; never leaves the package.
 */
export class MayBeBehind extends Error {
  override readonly name = 'MayBeBehind'
}
