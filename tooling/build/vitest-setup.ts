// Every test process can find a WebGPU adapter (a real one where there is one, else SwiftShader from npm), and knows
// nothing of this user's Hugging Face: no cache, no token, no settings.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useSoftwareAdapter } from '@outrider/software-adapter'

for (const name of Object.keys(process.env))
  if (/^(HF|HUGGING_?FACE|TRANSFORMERS)_/.test(name)) delete process.env[name]
process.env.HF_HOME = join(tmpdir(), `outrider-no-hugging-face-${process.pid}`)

await useSoftwareAdapter()
