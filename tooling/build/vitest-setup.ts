// Every test process can find a WebGPU adapter: a real one where there is one, else SwiftShader from npm.
import { useSoftwareAdapter } from '@outrider/software-adapter'

await useSoftwareAdapter()
