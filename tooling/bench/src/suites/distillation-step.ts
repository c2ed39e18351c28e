import { frequentIds, rows } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { uniform01 } from '@outrider/tensor'
import { distill, pretrain, type TrainingProgress } from '@outrider/training'
import { createDraft, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { median, rounded } from '../compare'
import type { Row, Suite } from '../suite'

/** The draft that feasibility speaks for. */
const draft = { layers: 2, hiddenSize: 128, heads: 4, intermediateSize: 384 }
const ids = 8192
const perBatch = 8

/**
 * A step of distillation where the target reads its rows and where what it says of them is kept, and a step of pretraining, with a
 * head over 8,192 ids and over all: seconds, the first step (which compiles) left out. Rows are of 70 to 128 tokens, and 45 % of each
 * are learnt, as of answers.
 */
export const distillationStepSuite: Suite = {
  name: 'distillation-step',
  summary: 'with --model: a step of distilling a draft of 2 layers of 128, the target read and kept; pretraining it',
  async run({ device, note, now, model }) {
    if (model === undefined) return []
    const target = await loadCausalLM(model, { device })
    const vocabulary = frequentIds([], Math.min(ids, target.config.vocabularySize), target)
    const seconds = async (
      what: string,
      train: (draft: PretrainedModel, options: object) => Promise<unknown>,
      all = false,
    ) => {
      const made = createDraft(target, { ...draft, ...(!all && { vocabulary }) })
      const times: number[] = []
      let last = now()
      const onStep = ({ step }: TrainingProgress) => {
        note(`${what}, step ${step}`)
        if (step > 1) times.push(now() - last)
        last = now()
      }
      await train(made, { steps: 4, batchSize: perBatch, onStep })
      made.dispose()
      return median(times)
    }
    const answers = rows(rowsOf(vocabulary, 0.55), 'answers')
    const texts = rows(rowsOf(vocabulary, 0), 'texts')
    const found: Row[] = []
    for (const name of ['kld', 'tvd++']) {
      const run = (memoryBytes?: number) =>
        seconds(`${name}, ${memoryBytes === 0 ? 'read' : 'kept'}`, (draft, options) =>
          distill({
            ...options,
            steps: 4,
            draft,
            target,
            data: answers,
            loss: lossByName(name),
            targetStates: { memoryBytes },
          }),
        )
      const [kept, read] = [await run(), await run(0)]
      found.push({ step: `distill ${name}`, read_s: rounded(read), kept_s: rounded(kept), ratio: rounded(read / kept) })
    }
    const step = (all: boolean) =>
      seconds('pretrain', (draft, options) => pretrain(draft, texts, { ...options, steps: 4 }), all)
    const [trimmed, whole] = [await step(false), await step(true)]
    found.push({
      step: 'pretrain',
      whole_s: rounded(whole),
      trimmed_s: rounded(trimmed),
      ratio: rounded(whole / trimmed),
    })
    target.dispose()
    return found
  },
}

/** A batch of rows of random tokens, of which what comes before a share is not learnt. */
function rowsOf(vocabulary: readonly number[], prompt: number) {
  let draw = 0
  const random = (below: number) => Math.floor(below * uniform01(5, draw++))
  return Array.from({ length: perBatch }, () => {
    const length = prompt === 0 ? 129 : 70 + random(59)
    return {
      kind: 'tokens' as const,
      tokens: Array.from({ length }, () => vocabulary[random(vocabulary.length)]!),
      lossMask: Array.from({ length }, (_, i) => (i >= prompt * length ? 1 : 0)),
    }
  })
}
