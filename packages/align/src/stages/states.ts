import { TargetStates } from '@outrider/training'
import { within } from '@outrider/transformer'
import type { Run } from './run'

/** Of 1.8 million positions of a target of width 576. */
const mostStateBytes = 2 ** 31

/**
 * What the target says of its answers, on disk: written as it answers, so that training asks it nothing, and by training where
 * something is missing. The caller disposes of it.
 */
export const keptStates = ({ folder, tell }: Pick<Run, 'folder' | 'tell'>): TargetStates =>
  new TargetStates({
    directory: within(folder, 'states'),
    directoryBytes: mostStateBytes,
    onTrouble: (text) => tell({ kind: 'warning', text }),
  })
