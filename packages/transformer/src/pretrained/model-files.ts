/** Whether a file of this name is one that saving a model writes: what an earlier save left of them goes with the next. */
export const isModelFile = (name: string): boolean => known.test(name)

const known =
  /^(config|generation_config|draft_vocabulary|tokenizer|tokenizer_config|special_tokens_map|model\.safetensors\.index)\.json$|^model(-\d+-of-\d+)?\.safetensors$|^chat_template\.jinja$/
