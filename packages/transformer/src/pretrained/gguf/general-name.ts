/**
 * `general.name` of a model: the last part of where it came from, in words. llama.cpp looks for names of models in it and
 * treats special tokens as those models want it: the name of Phi-3 (white space after special tokens is dropped) is there if
 * that is wanted, and not otherwise.
 *
 * @param source          a path, an address, an id of a hub; of a draft that was just made, "draft for" one of these
 * @param options.asPhi3  whether white space after special tokens is dropped
 */
export function generalName(source: string, { asPhi3 = false }: { asPhi3?: boolean } = {}): string {
  const [, drafts, place] = /^((?:draft for )*)(.*)$/s.exec(source)!
  const last = place!
    .replace(/[?#].*$/s, '')
    .split(/[\\/]+/)
    .filter((part) => !['', '.', '..'].includes(part))
    .at(-1)
  const words = (last ?? '')
    .replace(/\.(gguf|safetensors)$/i, '')
    .replace(/[_\s]+/g, ' ')
    .trim()
  const name = `${words || 'model'}${drafts ? ' draft' : ''}`
  if (asPhi3) return name.search(isPhi3) >= 0 ? name : `${name} (phi-3)`
  return name.replace(isPhi3, '$1 $2').replace(/(modern)-(bert)/gi, '$1 $2')
}

/** As llama.cpp finds it, in letters of any case. */
const isPhi3 = /(phi)-?(3)/gi
