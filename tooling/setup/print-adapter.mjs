// Prints which WebGPU adapter programs get on this machine.
import { describeAdapter, useSoftwareAdapter } from '../../packages/software-adapter/src/index.mjs'

const shipped = await useSoftwareAdapter()
const name = await describeAdapter()
console.log(name ? `${name}${shipped ? ', from npm' : ''}` : 'none found')
process.exitCode = name ? 0 : 1
