import { checkFileName, type Directory } from './directory'

/** A folder inside a directory, as a directory: its files are the outer one's with `folder/` before their names. */
export function within(outer: Directory, folder: string): Directory {
  const at = (file: string) => `${folder}/${file}`
  checkFileName(outer.name, folder)
  return {
    name: `${outer.name}/${folder}`,
    list: () => outer.list(folder),
    has: (file) => outer.has(at(file)),
    size: (file) => outer.size(at(file)),
    read: (file, range) => outer.read(at(file), range),
    readText: (file) => outer.readText(at(file)),
    write: (file, content) => outer.write(at(file), content),
    append: (file, content, from) => outer.append(at(file), content, from),
    remove: (file) => outer.remove(at(file)),
  }
}
