import { InvalidConfig } from '@se/core'

/**
 * A url of one of the protocols, as it was given; `undefined` stays so.
 *
 * @param protocols without the colon
 * @throws InvalidConfig naming the variable, never its value: it may hold a password [P49]
 */
export function checkUrl(
  name: string,
  text: string | undefined,
  protocols: readonly string[],
): string | undefined {
  if (text === undefined) return undefined
  // Not `new URL` alone: the error it throws carries the text, and with it the password.
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !protocols.includes(parsed.protocol.slice(0, -1)) || parsed.hostname === '') {
    throw new InvalidConfig(
      name,
      `must be a url that begins with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
    )
  }
  return text
}

/** What may be shown of a url: `protocol://host:port/path`, without user, password and query [P49]. */
export function describeUrl(text: string): string {
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

/** The text, with each url as {@link describeUrl} shows it and no password left. For errors that others make. */
export function withoutCredentials(text: string, urls: readonly (string | undefined)[]): string {
  let shown = text
  for (const url of urls) {
    if (url === undefined) continue
    const { password } = new URL(url)
    shown = shown.replaceAll(url, describeUrl(url))
    for (const secret of [password, decoded(password)]) {
      if (secret !== '') shown = shown.replaceAll(secret, '***')
    }
  }
  return shown
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
