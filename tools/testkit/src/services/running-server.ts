export type ServerKind = 'sql' | 'redis'

/** A server that answers, by whatever means it was started. */
export interface RunningServer {
  readonly url: string
  /** Where to find it again from another process. */
  readonly where: { readonly directory: string } | { readonly container: string }
  stop(): Promise<void>
}
