/** Vite plugin: a `.wgsl` file is imported as its text; with `comments: false` without its comments, in the same lines. */
export declare function wgsl(options?: { comments?: boolean }): {
  name: string
  transform(code: string, id: string): { code: string; map: null } | null
}
