import { OutriderError } from '../errors'
import type { KernelPart } from './part'

/**
 * Checks what a kernel's text takes from elsewhere: every function that it calls, and every name that begins with a capital or
 * with `element_`, is WGSL's, its own, or provided by what it uses; and of all that it uses it takes something.
 *
 * @throws OutriderError KERNEL with the kernel's name
 */
export function checkNames(
  kernel: string,
  text: string,
  uses: readonly KernelPart[],
  used: readonly KernelPart[],
  constants: readonly string[],
): void {
  const fail = (what: string, remedy: string) => new OutriderError('KERNEL', `Kernel ${kernel}: ${what}.`, { remedy })
  const own = new Set([...text.matchAll(/\b(?:fn|struct|alias|const|let|var(?:<[^>]*>)?)\s+(\w+)/g)].map(([, n]) => n!))
  const provided = new Set([...constants, ...used.flatMap(({ provides }) => provides)])
  const taken = new Set<string>()
  for (const [, called, named] of text.matchAll(/(?<![\w.@])(?:([A-Za-z_]\w*)(?=\()|((?:[A-Z]|element_)\w*))/g)) {
    const name = (called ?? named)!
    if (own.has(name) || taken.has(name) || (called && isOfWgsl(name))) continue
    if (!provided.has(name))
      throw fail(
        `"${name}" is declared nowhere`,
        'Declare it in the text, or name what provides it in `uses` or `constants`.',
      )
    taken.add(name)
  }
  for (const name of provided)
    if (own.has(name))
      throw fail(`"${name}" is declared in the text and in what it uses`, 'Rename the one in the text.')
  for (const name of constants)
    if (!taken.has(name) && !used.some((part) => part.text?.includes(name)))
      throw fail(`the text does not use the constant "${name}"`, 'Leave it out.')
  for (const { name, provides } of uses)
    if (!provides.some((one) => taken.has(one))) throw fail(`the text uses nothing of ${name}`, 'Leave it out.')
}

const ofWgsl = new Map<string, boolean>()

/** Most kernels call the same few functions. */
function isOfWgsl(name: string): boolean {
  let known = ofWgsl.get(name)
  if (known === undefined) {
    known = wgsl.test(name)
    ofWgsl.set(name, known)
  }
  return known
}

/** What can be called without being declared: https://www.w3.org/TR/WGSL, but for textures and derivatives. */
const wgsl = new RegExp(
  `^(?:if|for|while|switch|return|diagnostic|bool|[fiu]32|f16|vec[234][fiuh]?|mat[234]x[234][fh]?|array|bitcast|select|all|any|arrayLength|${[
    'abs|a?(?:cos|sin|tan)h?|atan2|ceil|clamp|count(?:LeadingZeros|OneBits|TrailingZeros)|cross|degrees|determinant|distance',
    'dot|dot4[IU]8Packed|exp2?|extractBits|faceForward|first(?:Leading|Trailing)Bit|floor|fma|fract|frexp|insertBits',
    'inverseSqrt|ldexp|length|log2?|max|min|mix|modf|normalize|pow|quantizeToF16|radians|reflect|refract|reverseBits|round',
    'saturate|sign|smoothstep|sqrt|step|transpose|trunc|atomic[A-Z]\\w+|(?:un)?pack[24]x\\w+|(?:storage|workgroup)Barrier',
    'workgroupUniformLoad|subgroup[A-Z]\\w+|quad[A-Z]\\w+',
  ].join('|')})$`,
)
