import { signal } from '@preact/signals'
import { type Failure, failureOf } from '../engine/failure'

/** What went wrong and has not been put away. */
export const notices = signal<readonly Failure[]>([])

/** Shows a failure to the user. */
export function notify(error: unknown): void {
  const failure = failureOf(error)
  notices.value = [...notices.value.filter(({ message }) => message !== failure.message), failure]
}

/** Runs `work`; a failure becomes a notice. Gives what it gave, or undefined. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const failure = failureOf(error)
    if (failure.code !== 'ABORTED') notify(error)
    return undefined
  }
}

export function Notices() {
  return (
    <div class="notices" role="alert">
      {notices.value.map((failure) => (
        <div class="notice" key={failure.message}>
          <p>
            {failure.message} {failure.remedy}
          </p>
          <button
            type="button"
            aria-label="Dismiss"
            onClick={() => {
              notices.value = notices.value.filter((other) => other !== failure)
            }}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  )
}
