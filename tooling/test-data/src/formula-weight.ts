/**
 * The values of a tensor by the formula that the record.py of `transformers` and of `distillation` have: a number in
 * [−¼, ¼) of the tensor's name and the element's place; of norms in [¾, 1¼).
 */
export function formulaWeight(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  let seed = 0
  for (const letter of name) seed = (Math.imul(seed, 31) + letter.charCodeAt(0)) >>> 0
  return Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => {
    let x = (Math.imul(i, 2654435761) + seed) >>> 0
    for (let round = 0; round < 2; round++) x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0
    const value = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5
    return name.includes('norm') ? 1 + value / 2 : value * 0.5
  })
}
