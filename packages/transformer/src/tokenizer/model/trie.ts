import { PairTable } from './pair-table'

/** Pieces by their characters (UTF-16 units), to find those that stand at a place of a text. */
export class Trie {
  static readonly root = 0
  readonly #edges: PairTable
  readonly #ids: number[] = [-1]

  constructor(pieces: Iterable<readonly [piece: string, id: number]>) {
    this.#edges = new PairTable(4096)
    for (const [piece, id] of pieces) this.#ids[this.#grow(piece)] = id
  }

  /** The node one unit further, or −1. */
  step(node: number, unit: number): number {
    return this.#edges.get(node, unit)
  }

  /** The node of a text, or −1. */
  walk(text: string): number {
    let node = Trie.root
    for (let i = 0; i < text.length && node !== -1; i++) node = this.step(node, text.charCodeAt(i))
    return node
  }

  /** The id of the piece that ends at a node, or −1. */
  idAt(node: number): number {
    return this.#ids[node]!
  }

  #grow(piece: string): number {
    let node = Trie.root
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i)
      let next = this.#edges.get(node, unit)
      if (next === -1) {
        next = this.#ids.push(-1) - 1
        this.#edges.set(node, unit, next)
      }
      node = next
    }
    return node
  }
}
