/** Our options by what llama.cpp, vLLM, SGLang and transformers call them. */
const names: Readonly<Record<string, string>> = {
  '--draft-length':
    '--gamma --draft-max --draft-n --draft-min --draft-tokens --spec-draft-n-max --num-speculative-tokens --num-assistant-tokens --speculative-num-draft-tokens --speculative-num-steps --speculative-tokens --lookahead',
  '--draft':
    '-md --model-draft --draft-model --spec-draft-model --speculative-model --speculative-draft-model-path --assistant-model --assistant -hfd',
  '--model':
    '-m --model-path --model-id --model-name-or-path --model-dir --pretrained --hf-repo -hf --checkpoint --target',
  '--target': '--model -m --model-path --model-id --model-name-or-path --teacher --base-model --target-model',
  '--draft-stop': '--draft-p-min --assistant-confidence-threshold --spec-draft-p-min',
  '--draft-dtype': '--draft-type --model-draft-dtype',
  '--cache-dtype': '-ctk -ctv --cache-type-k --cache-type-v --kv-cache-dtype',
  '--dtype': '--torch-dtype --quantization --quantize --load-format -q --type --outtype',
  '--max-tokens': '-n --n-predict --predict --max-new-tokens --max-length --num-predict --max-completion-tokens',
  '--temperature': '--temp',
  '--repetition-penalty': '--repeat-penalty',
  '--seed': '-s --random-seed',
  '--prompt': '-p --input --text',
  '--prompts': '--prompt-file --dataset --dataset-path --data --input',
  '--system': '-sys --system-prompt --system-message',
  '--stop': '-r --reverse-prompt --stop-sequence --stop-sequences --stop-strings',
  '--chat': '-cnv --conversation --apply-chat-template',
  '--context': '-c --ctx-size --n-ctx --max-model-len --context-length --max-seq-len',
  '--name': '-a --alias --served-model-name',
  '--concurrency': '-np --parallel --max-num-seqs --max-running-requests',
  '--prefix-cache-mib': '--cache-ram -cram --enable-prefix-caching --cache-prompt --cache-reuse',
  '--queue': '--max-queued-requests',
  '--host': '--bind --listen --address',
  '--cors-origin': '--allowed-origins --cors-origins --cors',
  '--no-warm-up': '--no-warmup --skip-warmup --skip-server-warmup',
  '--max-body': '--max-body-size --body-limit',
  '--out': '-o --output --output-dir --output-file --outfile --save-dir',
  '--data': '--dataset --train-file --data-path --train-data --input',
  '--seeds': '--dataset --prompts --instructions --data --input',
  '--text': '--corpus --data --dataset --train-file',
  '--validation': '--eval-file --validation-file --eval-data --eval-dataset',
  '--validate-every': '--eval-steps --eval-every',
  '--keep-best': '--metric-for-best-model --load-best-model-at-end',
  '--patience': '--early-stopping-patience --early-stopping',
  '--checkpoint-every': '--save-steps --save-every',
  '--resume': '--resume-from-checkpoint --continue',
  '--steps': '--max-steps --iters --num-steps --train-steps',
  '--batch-size': '-b --per-device-train-batch-size --bs',
  '--learning-rate': '--lr',
  '--warmup': '--warmup-steps --warm-up',
  '--accumulation': '--gradient-accumulation-steps --grad-accum',
  '--activation-checkpointing': '--gradient-checkpointing',
  '--precision': '--bf16 --fp16 --amp --mixed-precision',
  '--length': '--max-seq-length --max-seq-len --block-size --seq-len --max-length',
  '--layers': '--num-layers --num-hidden-layers --n-layer',
  '--heads': '--num-heads --num-attention-heads --n-head',
  '--kv-heads': '--num-key-value-heads --num-kv-heads',
  '--intermediate-size': '--ffn-dim --mlp-size',
  '--format': '--output-format',
  '--limit': '--num-prompts --max-samples --num-samples',
  '--samples': '--num-return-sequences --n-samples',
  '--verification': '--verify --rejection-sample-method',
}

/** What an option of another tool may be called here; underscores are hyphens. */
export function ofOtherTools(flag: string): string[] {
  const written = flag.replaceAll('_', '-')
  return Object.keys(names).filter((name) => names[name]!.split(' ').includes(written))
}
