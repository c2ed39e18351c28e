import { generateDataset, generateSeeds } from '@outrider/dataset'
import { TargetStates } from '@outrider/training'
import { type PretrainedModel, projectEmbedding, within } from '@outrider/transformer'
import type { TaughtRun, Teacher } from './teacher'

/** Of 1.8 million positions of a target of width 576. */
const mostStateBytes = 2 ** 31

/**
 * A target in memory. What it says of its answers is on disk: written as it answers, so that training asks it nothing, and by
 * training where something is missing.
 */
export function teacherHere(target: PretrainedModel): Teacher {
  const keptStates = ({ folder, tell }: TaughtRun): TargetStates =>
    new TargetStates({
      directory: within(folder, 'states'),
      directoryBytes: mostStateBytes,
      onTrouble: (text) => tell({ kind: 'warning', text }),
    })
  return {
    model: target,
    writeSeeds: (options) => generateSeeds({ ...options, target }),
    answering(run) {
      const states = keptStates(run)
      return {
        async answer(options) {
          await generateDataset({ ...options, target, onStates: (answers) => states.keep(target, answers) })
        },
        think: async () => undefined,
        [Symbol.dispose]: () => states[Symbol.dispose](),
      }
    },
    embedding: (options) => projectEmbedding(target, options),
    async lessons(run) {
      const targetStates = keptStates(run)
      return { target, targetStates, [Symbol.dispose]: () => targetStates[Symbol.dispose]() }
    },
  }
}
