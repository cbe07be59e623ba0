import { formatCut, type Cut } from '@se/core'

/** A view is trusted while it stands at a known cut with nothing missed, and its digest equals the tree's. */
export type Trust = { readonly isTrusted: true } | { readonly isTrusted: false; readonly because: string }

export type TrustEvent =
  /** At a known cut; `isEqual`: its digest equals the tree's there. */
  | { readonly kind: 'compared'; readonly isEqual: boolean; readonly detail: string }
  /** The way from its cut to the heads is not known, or its store cannot be read. */
  | { readonly kind: 'lost'; readonly because: string }

/**
 *   untrusted --compared, equal--> trusted
 *   trusted   --compared, different | lost--> untrusted
 *
 * Untrusted never means wrong answers: the tier below is asked. Nothing but a comparison makes a view trusted
 * [P27], and R3 ("absent" without asking L3) holds in `trusted` alone.
 */
export function nextTrust(event: TrustEvent): Trust {
  if (event.kind === 'lost') return { isTrusted: false, because: event.because }
  return event.isEqual ? { isTrusted: true } : { isTrusted: false, because: event.detail }
}

export const NEVER_COMPARED: Trust = { isTrusted: false, because: 'not compared yet' }

/** `trusted at cut {…}` or `untrusted: <reason>`. */
export function formatTrust(trust: Trust, cut: Cut): string {
  return trust.isTrusted ? `trusted at cut ${formatCut(cut)}` : `untrusted: ${trust.because}`
}
