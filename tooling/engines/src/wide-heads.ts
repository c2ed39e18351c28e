import { type Directory, floatsToStored, openSafetensors, readFloats, writeSafetensors } from '@outrider/transformer'

/** What is read and written of a configuration. */
interface Config {
  hidden_size: number
  head_dim?: number
  num_attention_heads: number
  [other: string]: unknown
}

/**
 * The same Llama with heads several times as wide, for engines whose kernels have no narrow ones (vLLM's begin at 32 on the CPU), in
 * float32. Zeros are put between the dimensions of a head, so that each keeps its frequency of rotation: dimension i of d, with its
 * partner i + d/2, turns by θ^(−2i/d), which of f·d dimensions are f·i and f·i + f·d/2. Scores are divided by √(f·d) in place of √d,
 * which queries √f times as long make good. So nothing is another but roundings.
 */
export async function withWideHeads(from: Directory, to: Directory, factor: number): Promise<void> {
  for (const file of await from.list())
    if (/^(tokenizer.*|generation_config)\.json$/.test(file)) await to.write(file, await from.read(file))
  const config: Config = JSON.parse(new TextDecoder().decode(await from.read('config.json')))
  const width = config.head_dim ?? config.hidden_size / config.num_attention_heads
  const wide = { ...config, head_dim: factor * width, torch_dtype: 'float32' }
  await to.write('config.json', new TextEncoder().encode(JSON.stringify(wide)))
  const { tensors } = await openSafetensors(from)
  const written = [...tensors.values()].map((entry) => {
    const [rows, columns] = entry.shape as [number, number?]
    const shape = wideShape(entry.name, entry.shape, factor)
    return {
      name: entry.name,
      dtype: 'F32' as const,
      shape,
      async bytes() {
        const values = widened(entry.name, await readFloats(from, entry), {
          rows,
          columns: columns ?? 1,
          width,
          factor,
        })
        return floatsToStored(values, 'F32')
      },
    }
  })
  await writeSafetensors(to, 'model.safetensors', written)
}

/** Rows of these make the dimensions of heads; columns of the last read them. */
const isOfRows = (name: string) => /\.self_attn\.[qkv]_proj\.weight$/.test(name)
const isOfColumns = (name: string) => /\.self_attn\.o_proj\.weight$/.test(name)

function wideShape(name: string, shape: readonly number[], factor: number): number[] {
  const [rows, columns] = shape
  if (isOfRows(name)) return [factor * rows!, columns!]
  return isOfColumns(name) ? [rows!, factor * columns!] : [...shape]
}

function widened(
  name: string,
  values: Float32Array,
  { rows, columns, width, factor }: { rows: number; columns: number; width: number; factor: number },
): Float32Array {
  /** Where a dimension of the heads, one behind the other, goes to. */
  const place = (dimension: number) => {
    const head = Math.floor(dimension / width)
    const i = dimension % width
    const half = width / 2
    return head * factor * width + (i < half ? factor * i : factor * (i - half) + factor * half)
  }
  const ofRows = isOfRows(name)
  if (!ofRows && !isOfColumns(name)) return values
  const scale = name.includes('.q_proj.') ? Math.sqrt(factor) : 1
  const wide = new Float32Array(factor * values.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = ofRows ? place(row) * columns + column : row * factor * columns + place(column)
      wide[at] = scale * values[row * columns + column]!
    }
  return wide
}
