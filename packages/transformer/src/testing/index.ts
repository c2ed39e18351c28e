export { checkCausalLM } from './check-causal-lm'
export { checkKvCache } from './check-kv-cache'
