import type { EngineObserver } from '../observer/observer.ts'
import { NEVER_COMPARED, nextTrust, type Trust, type TrustEvent } from './trust.ts'

/** Where a view stands between trusted and untrusted: {@link nextTrust} alone moves it, and the observer is told. */
export class ViewTrust {
  readonly #view: 'filter' | 'tree'
  readonly #observer: EngineObserver
  #now: Trust = NEVER_COMPARED

  constructor(view: 'filter' | 'tree', observer: EngineObserver) {
    this.#view = view
    this.#observer = observer
  }

  get now(): Trust {
    return this.#now
  }

  /** The view has other contents, which nothing is known of yet. */
  forget(): void {
    this.#now = NEVER_COMPARED
  }

  /** @returns whether trust was gained or lost, or the contents were judged for the first time */
  change(event: TrustEvent): boolean {
    const before = this.#now
    this.#now = nextTrust(event)
    return before === NEVER_COMPARED || before.isTrusted !== this.#now.isTrusted
  }

  /**
   * @param proof why the view is trusted, where it is
   * @param cut at which it was compared, as text
   */
  report(proof: string, cut?: string): void {
    this.#observer.trust?.({
      view: this.#view,
      isTrusted: this.#now.isTrusted,
      because: this.#now.isTrusted ? proof : this.#now.because,
      ...(cut === undefined ? {} : { cut }),
    })
  }
}
