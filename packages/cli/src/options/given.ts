import { OutriderError } from '@outrider/tensor'

/** The first of these flags that is given, as it is written. */
export function given<Flags extends object>(
  flags: Flags,
  names: readonly (keyof Flags & string)[],
): string | undefined {
  const name = names.find((name) => flags[name] !== undefined)
  return name && `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The error of a flag that says nothing beside the others. */
export const ofNoUse = (flag: string, where: string, instead = ''): OutriderError =>
  new OutriderError('INVALID_ARGUMENT', `${flag} is of no use ${where}.`, { remedy: `Leave out ${flag}${instead}.` })

/**
 * Refuses flags that do not go with another.
 *
 * @param others  their names, how they are written, and why they do not
 * @throws OutriderError INVALID_ARGUMENT
 */
export function refusedBeside<Name extends string>(
  flag: string,
  flags: Partial<Record<Name, unknown>>,
  others: readonly (readonly [name: Name, written: string, why: string])[],
): void {
  const found = others.find(([name]) => flags[name] !== undefined)
  if (!found) return
  throw new OutriderError('INVALID_ARGUMENT', `${found[1]} does not go with ${flag}: ${found[2]}.`, {
    remedy: `Leave out ${found[1]}.`,
  })
}
