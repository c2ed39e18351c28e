/** Vite plugin: a `.wgsl` file is imported as its text, and so is a page of a package's sources. */
export function wgsl() {
  return {
    name: 'outrider:wgsl',
    /** @param {string} code @param {string} id */
    transform(code, id) {
      if (!id.endsWith('.wgsl') && !/\/packages\/.*\/src\/.*\.html$/.test(id)) return null
      return { code: `export default ${JSON.stringify(code)}`, map: null }
    },
  }
}
