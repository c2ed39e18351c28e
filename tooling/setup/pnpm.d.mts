/** The package manager that package.json names, such as `pnpm@10.34.8`. */
export declare const packageManager: string

/**
 * Lets npx fetch that pnpm, where it has not yet, and asks where it has put it.
 *
 * @returns `output` is the folder of the `pnpm` command, or what npx said where `code` is not 0
 */
export declare function findPnpm(): Promise<{ code: number; output: string }>
