/** Vite plugin: a `.wgsl` file is imported as its text. */
export function wgsl() {
  return {
    name: 'outrider:wgsl',
    /** @param {string} code @param {string} id */
    transform(code, id) {
      if (!id.endsWith('.wgsl')) return null
      return { code: `export default ${JSON.stringify(code)}`, map: null }
    },
  }
}
