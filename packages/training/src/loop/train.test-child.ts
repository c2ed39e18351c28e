// Distils in a process of its own, that a test kills, and keeps the best checkpoint. Arguments: the run's directory; the directory for the best draft;
// `parallel` for a draft that is adapted to propose several tokens at once.
import { batchesOnce } from '@outrider/dataset'
import { tvdPlusPlus } from '@outrider/losses'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { directory, parallelDraft, saveCausalLM } from '@outrider/transformer'
import { distill } from './distill'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'

const [run, out, kind] = process.argv.slice(2) as [string, string, 'parallel'?]
await useSoftwareAdapter()
const target = tinyTarget(await createDevice({ adapter: nodeAdapter() }))
const draft = kind === 'parallel' ? parallelDraft(tinyDraft(target)) : tinyDraft(target)
await distill({
  ...shortRun,
  draft,
  target,
  data: patterns,
  loss: tvdPlusPlus({ estimator: 'sampled' }),
  ...(kind === 'parallel' && { parallel: { draftLength: 4, weighting: 'reach' } }),
  checkpoints: directory(run),
  targetStates: { directory: directory(`${run}-states`), memoryBytes: 3000, fileBytes: 2000 },
  validation: (await batchesOnce(patterns, target, { batchSize: 4, length: 24 })).slice(0, 1),
  validateEvery: 4,
  keepBest: { leastGain: 100 }, // the first stays the best
  resume: true,
  onStep: ({ step }) => process.stdout.write(`${step}\n`),
})
await saveCausalLM(draft, out)
process.exit(0)
