import { signal } from '@preact/signals'
import { type Failure, failureOf } from '../engine/failure'

/** What went wrong and has not been put away. */
export const notices = signal<readonly Failure[]>([])

/** Shows a failure to the user. */
export function notify(error: unknown): void {
  const failure = failureOf(error)
  notices.value = [...notices.value.filter(({ message }) => message !== failure.message), failure]
}

/**
 * Runs `work`; a failure becomes a notice, except what the user stopped, and a lost device, which the page shows by itself.
 * Gives what it gave, or undefined.
 */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const { code } = failureOf(error)
    if (code !== 'ABORTED' && code !== 'DEVICE_LOST') notify(error)
    return undefined
  }
}

const titles: Partial<Record<Failure['code'], string>> = {
  QUOTA: 'Storage is full',
  OUT_OF_MEMORY: 'Out of memory on the GPU',
  NETWORK: 'The network failed',
  FILE_MISSING: 'A file is missing',
  FILE_FORMAT: 'A file cannot be read',
  FILE_WRITE: 'A file cannot be written',
  UNSUPPORTED: 'Not supported',
  VOCABULARY_MISMATCH: 'Another vocabulary',
  CONTEXT_OVERFLOW: 'Too long for this model',
}

/** Failures, each with what it is and what to do. */
export function Notices() {
  return (
    <div class="notices" role="alert">
      {notices.value.map((failure) => (
        <div class="notice" data-kind="error" key={failure.message}>
          <div>
            <h2>{titles[failure.code] ?? 'Something went wrong'}</h2>
            <p>{failure.message}</p>
            {failure.remedy && <p class="remedy">{failure.remedy}</p>}
          </div>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(failure)}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M6 6l12 12M18 6L6 18" />
            </svg>
          </button>
        </div>
      ))}
    </div>
  )
}

function dismiss(failure: Failure): void {
  notices.value = notices.value.filter((other) => other !== failure)
}
