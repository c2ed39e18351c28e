export { checkCausalLM } from './check-causal-lm'
export { checkDirectory } from './check-directory'
export { checkKvCache } from './check-kv-cache'
export { checkReadableDirectory, type ReadableDirectoryCheckOptions } from './check-readable-directory'
