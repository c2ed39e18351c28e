import type { Options } from 'tsup'

/** The tsup configuration that every package shares: ESM, source maps, WGSL and HTML files as strings. */
export declare function library(entry: Record<string, string>, options?: Options): Options
