import { type Device, OutriderError, type Tuning } from '@outrider/tensor'
import { readTuning, useTuning } from '@outrider/transformer'
import type { Session } from './session'

/** What is kept in the browser's storage of this adapter, from all models that were tuned on it. */
export interface KeptChoices {
  /** Kernels that are faster than the defaults, by the shapes that they are for. */
  chosen: number
  /** Shapes that were timed. */
  timed: number
  /** Whether all of the faster ones are in use; else some shape had run before they were known, and the next load uses them. */
  inUse: boolean
}

export interface TuningProgress {
  /** Shapes that are done, and how many there are. */
  done: number
  total: number
}

/** What tuning came to. */
export interface TuningResult {
  timed: number
  /** Shapes that the time was not enough for. */
  notReached: number
  chosen: number
  /** How much faster prompts are read, all shapes together: 0.25 is a quarter more. 0 where the defaults are best. */
  gain: number
  /** Kernels that compute wrongly here: `linear 64x64 f32: tiled64x64`. */
  wrong: string[]
}

/** What times kernels is fetched when it is first needed. */
const timing = () => import('./time-kernels')

/** Finds the fastest kernels for a model's prompts on this adapter. They are used from the next load on. */
export function tuningRoom(session: Session, chat: { stop(): Promise<void> }) {
  let running: AbortController | undefined
  return {
    /** What is kept, by this load or one before; undefined where nothing is. */
    async kept(): Promise<KeptChoices | undefined> {
      const device = session.requireDevice()
      const kept = await readTuning(device)
      if (!kept) return undefined
      const used = device.kernels.toJSON()
      const chosen = Object.entries(kept.kernels)
      return {
        chosen: chosen.length,
        timed: kept.timed.length,
        inUse: chosen.every(([key, kernel]) => used[key] === kernel),
      }
    },

    /**
     * Times the kernels for the model that is open, and keeps what it finds; an answer in Chat is stopped for it.
     *
     * @throws OutriderError ABORTED when it is stopped: then nothing is kept; INVALID_ARGUMENT while a draft is trained, which would
     *   be timed with it
     */
    async tune(seconds: number, onProgress: (progress: TuningProgress) => void): Promise<TuningResult> {
      const { model } = session.requireTarget()
      if (running || session.isTraining)
        throw new OutriderError(
          'INVALID_ARGUMENT',
          'The device is at work: what is timed now would be timed with it.',
          {
            remedy: running ? 'Wait until the kernels are timed.' : 'Pause the training first.',
          },
        )
      running = new AbortController()
      const { signal } = running
      try {
        await chat.stop()
        const { tuneKernels } = await timing()
        const work = session.ledger.stage('time kernels', model.device, () =>
          tuneKernels(model, { budget: 1000 * seconds, signal, onProgress }),
        )
        session.hold(work)
        return resultOf(await work)
      } finally {
        running = undefined
      }
    },

    stop(): void {
      running?.abort()
    },
  }
}

/** Uses what was kept for a device's adapter, before anything runs on it. Without storage the defaults hold. */
export const useKept = (device: Device): Promise<unknown> => useTuning(device)

export function resultOf({ weights, notReached }: Tuning): TuningResult {
  let [before, after] = [0, 0]
  for (const { standard, chosen, milliseconds } of weights) {
    // Where the default is wrong there is nothing to be faster than.
    before += milliseconds[standard] ?? milliseconds[chosen]!
    after += milliseconds[chosen]!
  }
  return {
    timed: weights.length,
    notReached: notReached.length,
    chosen: weights.filter(({ standard, chosen }) => standard !== chosen).length,
    gain: after > 0 ? before / after - 1 : 0,
    wrong: weights.flatMap(({ key, wrong }) => wrong.map((name) => `${key}: ${name}`)),
  }
}
