import { checkFileName, type Directory } from './directory'

/** A folder inside a directory, as a directory: its files are the outer one's with `folder/` before their names. */
export function within(outer: Directory, folder: string): Directory {
  checkFileName(outer.name, folder)
  const at = (file: string) => `${folder}/${checkFileName(`${outer.name}/${folder}`, file)}`
  return {
    name: `${outer.name}/${folder}`,
    list: async (inner) => outer.list(inner ? at(inner) : folder),
    ...(outer.folders ? { folders: async (inner?: string) => outer.folders!(inner ? at(inner) : folder) } : {}),
    has: async (file) => outer.has(at(file)),
    size: async (file) => outer.size(at(file)),
    read: async (file, range) => outer.read(at(file), range),
    readText: async (file) => outer.readText(at(file)),
    ...(outer.keep ? { keep: async (file: string) => outer.keep!(at(file)) } : {}),
    write: async (file, content) => outer.write(at(file), content),
    append: async (file, content, from) => outer.append(at(file), content, from),
    remove: async (file) => outer.remove(at(file)),
    ...(outer.move ? { move: async (file: string, name: string) => outer.move!(at(file), at(name)) } : {}),
  }
}
