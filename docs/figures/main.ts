// Computes every picture of the site and writes it beside the theme that shows it.
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { answerByOrigin } from './answer-by-origin'
import { exactness } from './exactness'
import { expectedTokensByAcceptance } from './expected-tokens'
import { lossGradients, lossValues } from './loss-curves'
import { narrowDraft } from './narrow-draft'
import { speedUpByLength } from './speed-up'
import { verificationRules } from './verification'

const folder = fileURLToPath(new URL('../.vitepress/pictures/', import.meta.url))
await mkdir(folder, { recursive: true })
const device = await createDevice({ adapter: nodeAdapter() })
const pictures = {
  'expected-tokens': expectedTokensByAcceptance(),
  'speed-up': speedUpByLength(),
  exactness: exactness(),
  verification: verificationRules(),
  'loss-values': await lossValues(device),
  'loss-gradients': await lossGradients(device),
  'narrow-draft': await narrowDraft(device),
  'answer-by-origin': await answerByOrigin(device),
}
for (const [name, picture] of Object.entries(pictures)) await writeFile(`${folder}${name}.html`, String(picture))
device.dispose()
