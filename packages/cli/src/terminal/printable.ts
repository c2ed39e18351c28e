/**
 * Text as a terminal may be given it: a model's tokens could be escape sequences, which must not move the cursor, rename the
 * window or answer for the user. Line ends and tabs stay.
 */
export const printable = (text: string): string => text.replace(/\r\n?/g, '\n').replace(controls, '\ufffd')

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach the terminal
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
