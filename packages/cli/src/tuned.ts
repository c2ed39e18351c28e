import { tuningDirectory, useTuning } from '@outrider/transformer'
import type { Context } from './context'

/**
 * Uses what `outrider tune` found on this adapter, and says so; for commands that answer, and those that write it down with what they
 * keep: a run that goes on uses what it was begun with.
 */
export async function useTuned(context: Context): Promise<void> {
  const { terminal } = context
  const device = await context.device()
  const kept = await useTuning(device, { directory: tuningDirectory(context.surroundings.env) })
  const count = Object.keys(kept?.kernels ?? {}).length
  if (count > 0) terminal.note(terminal.noteStyle.dim(`Kernels of ${count} shapes as outrider tune chose them`))
}
