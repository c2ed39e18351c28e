import { library } from '@outrider/build/tsup'

/**
 * Beside what the package exports, its rooms: entries of their own cut it into files by what reaches what, so that a bundler
 * leaves out whole what a page does not use. In one file it would keep tables and functions that are made by functions, as
 * those of templates and tokenizers are.
 */
const rooms = [
  'config/index',
  'files/index',
  'generation/index',
  'grammar/index',
  'hub/index',
  'model/index',
  'pretrained/index',
  'pretrained/ends-of-text',
  'pretrained/model-identity',
  'tokenizer/index',
  'tokenizer/jinja/index',
  'tokenizer/steps/index',
  'tokenizer/token-name',
  'tokenizer/vocabulary',
  'tuning/index',
]

export default library(
  {
    index: 'src/index.ts',
    testing: 'src/testing/index.ts',
    ...Object.fromEntries(rooms.map((room) => [`rooms/${room}`, `src/${room}.ts`])),
  },
  { dts: { entry: { index: 'src/index.ts', testing: 'src/testing/index.ts' } } },
)
