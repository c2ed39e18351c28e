// `node --import @outrider/software-adapter/register program.mjs`: the program finds a WebGPU adapter on any linux-x64.
import { useSoftwareAdapter } from './index.mjs'

await useSoftwareAdapter()
