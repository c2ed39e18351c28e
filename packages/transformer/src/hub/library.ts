const name = '@huggingface/hub'

/**
 * The library that knows the hub's answers and its cache. It is for Node, so it is imported by a name that bundlers do not
 * follow: bundles for browsers hold no trace of it.
 */
export const hubLibrary = (): Promise<typeof import('@huggingface/hub')> => import(/* @vite-ignore */ name)
