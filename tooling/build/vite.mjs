/**
 * Vite plugin: a `.wgsl` file is imported as its text, and so is a page of a package's sources.
 *
 * @param {{ comments?: boolean }} [options]  whether kernels keep their comments; lines stay in any case. Default true
 */
export function wgsl({ comments = true } = {}) {
  return {
    name: 'outrider:wgsl',
    /** @param {string} code @param {string} id */
    transform(code, id) {
      if (!id.endsWith('.wgsl') && !/\/packages\/.*\/src\/.*\.html$/.test(id)) return null
      const text = comments || !id.endsWith('.wgsl') ? code : code.replace(/[ \t]*\/\/.*/g, '')
      return { code: `export default ${JSON.stringify(text)}`, map: null }
    },
  }
}
