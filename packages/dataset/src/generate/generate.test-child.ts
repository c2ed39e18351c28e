// Generates a dataset in a process of its own, that a test kills. Arguments: the file to write.
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { tinyModel } from '../tiny-model.fixture'
import { generateDataset } from './generate-dataset'
import { gridOptions } from './grid.fixture'

await useSoftwareAdapter()
const target = tinyModel(await createDevice({ adapter: nodeAdapter() }))
await generateDataset({
  ...gridOptions,
  target,
  out: process.argv[2]!,
  onProgress: ({ rows }) => process.stdout.write(`${rows}\n`),
})
process.exit(0)
