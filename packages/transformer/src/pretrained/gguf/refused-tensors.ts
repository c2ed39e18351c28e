import { OutriderError } from '@outrider/tensor'
import type { GgufFile } from '../../files/gguf/read'

/** Tensors of llama.cpp's models that are computed with there and not here, by what they are. */
const refused: readonly [RegExp, string][] = [
  [/_exps\.|_shexp\.|ffn_gate_inp|exp_probs_b|ffn_(gate|up|down)\.\d+\./, 'a mixture of experts'],
  [/^blk\.\d+\.ffn_(gate|up|down)\.bias$/, 'a bias in the MLP'],
  [/^output\.bias$/, 'a bias of the head'],
  [/\.attn_qkv\.bias$/, 'a bias of queries, keys and values that are joined'],
  [/\.attn_qkv\.weight$/, 'queries, keys and values joined in one matrix'],
  [/norm\.bias$/, 'a bias in a norm'],
  [/\.(input_)?scale$/, 'weights with a scale beside them (NVFP4)'],
  [/\.lora_[ab]$/, 'an adapter (LoRA)'],
  [/\.attn_sinks\./, 'attention sinks'],
  [/\.(post_attention_norm|post_ffw_norm|attn_norm_2|layer_output_norm|attn_sub_norm|ffn_sub_norm)/, 'more norms'],
  [/\.attn_gate\./, 'a gate of attention'],
  [/\.(ssm_|time_mix_|shortconv)/, 'recurrent layers'],
  [/\.nextn\./, 'layers that predict more than one token'],
  [/^cls(\.output)?\./, 'a head that classifies'],
  [/^(v|mm|a)\./, 'a vision or audio encoder'],
  [/^(token_types|position_embd|token_embd_norm)\./, 'embeddings of positions or types'],
]

/**
 * Refuses tensors of features that are not implemented, by the feature's name.
 *
 * @param isExpected  whether a tensor of that name is used
 * @throws OutriderError UNSUPPORTED naming the tensor
 */
export function checkTensors({ tensors, where }: GgufFile, isExpected: (name: string) => boolean): void {
  for (const name of tensors.keys()) {
    const found = isExpected(name) ? undefined : refused.find(([pattern]) => pattern.test(name))
    if (found)
      throw new OutriderError(
        'UNSUPPORTED',
        `${where}: tensor "${name}" is of ${found[1]}, which is not supported here in a model of its architecture.`,
        { details: { file: where, tensor: name } },
      )
  }
}
