/** Bytes of memory that this process can have; endless where nobody says. */
export function hostMemoryBytes(): number {
  const { process } = globalThis
  const total = process?.getBuiltinModule?.('node:os').totalmem() ?? Number.POSITIVE_INFINITY
  // Within a container less may be had than the machine has; 0 or a number beyond it where there is none.
  const constrained = process?.constrainedMemory?.() || Number.POSITIVE_INFINITY
  return Math.min(total, constrained)
}
