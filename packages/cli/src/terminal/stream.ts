/** What is needed of a standard stream. */
export interface Stream {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}
