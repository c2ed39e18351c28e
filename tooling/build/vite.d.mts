/** Vite plugin: a `.wgsl` file is imported as its text. */
export declare function wgsl(): {
  name: string
  transform(code: string, id: string): { code: string; map: null } | null
}
