export { Answer, type AnswerOptions, type FinishReason } from './answer'
export { checkPrompt, type Prompt, promptTokens } from './prompt'
export { resolveSampling, type Sampling, type SamplingOptions } from './sampling-options'
export { StopMatcher } from './stop-matcher'
