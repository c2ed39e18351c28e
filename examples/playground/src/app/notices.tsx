import { signal } from '@preact/signals'
import { type Failure, failureOf } from '../engine/failure'

interface Notice {
  kind: 'error' | 'hint'
  title: string
  message: string
  remedy: string | undefined
}

/** What went wrong, or is to be known, and has not been put away. */
const notices = signal<readonly Notice[]>([])

/** Shows a failure to the user. */
export function notify(error: unknown): void {
  const { code, message, remedy } = failureOf(error)
  show({ kind: 'error', title: titles[code] ?? 'Something went wrong', message, remedy })
}

/** Shows what the user may want to know, though all works. */
export const hint = (title: string, message: string, remedy?: string): void =>
  show({ kind: 'hint', title, message, remedy })

function show(notice: Notice): void {
  notices.value = [...notices.value.filter(({ message }) => message !== notice.message), notice]
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

/** Failures and hints, each with what it is and what to do. */
export function Notices() {
  return (
    <div class="notices" role="alert">
      {notices.value.map((notice) => (
        <div class="notice" data-kind={notice.kind} key={notice.message}>
          <div>
            <h2>{notice.title}</h2>
            <p>{notice.message}</p>
            {notice.remedy && <p class="remedy">{notice.remedy}</p>}
          </div>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(notice)}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M6 6l12 12M18 6L6 18" />
            </svg>
          </button>
        </div>
      ))}
    </div>
  )
}

function dismiss(notice: Notice): void {
  notices.value = notices.value.filter((other) => other !== notice)
}
