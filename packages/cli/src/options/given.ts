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
