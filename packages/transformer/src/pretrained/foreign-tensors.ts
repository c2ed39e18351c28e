import { OutriderError } from '@outrider/tensor'

/** Names that say how weights were made smaller or changed, where the numbers alone would be other weights. */
const kinds: readonly { what: string; remedy: string; names: RegExp }[] = [
  {
    // GPTQ, AWQ, compressed-tensors, bitsandbytes, FP8 with scales, MLX, AQLM
    what: 'quantised in a way that is not read',
    remedy: 'Use the model in F32, F16 or BF16, or a GGUF file of it.',
    names:
      /\.(qweight|qzeros|g_idx|scales|biases|codebooks|SCB|weight_format|weight_(scale|scale_inv|scale_2|packed|zero_point|shape|g_idx)|(input|output|k|v)_scale|weight\.(nested_)?(absmax|quant_map)|weight\.quant_state\..+)$/,
  },
  {
    what: "an adapter's, to be added to those of another model",
    remedy: 'Merge it into its base model (PEFT: merge_and_unload), save that, and use the result.',
    names: /\.(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector|hada_w\d_[ab]|oft_r|ia3_l)\b/,
  },
]

/**
 * Refuses tensors that other tensors are to be computed with.
 *
 * @throws OutriderError UNSUPPORTED, with one of them
 */
export function refuseForeignTensors(where: string, names: Iterable<string>): void {
  for (const name of names)
    for (const kind of kinds)
      if (kind.names.test(name))
        throw new OutriderError('UNSUPPORTED', `${where}: the weights are ${kind.what}: tensor "${name}".`, {
          remedy: kind.remedy,
          details: { tensor: name },
        })
}
