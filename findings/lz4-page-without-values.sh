#!/usr/bin/env bash
# hyparquet-compressors cannot decompress an LZ4 block of nothing, as pyarrow writes it into Parquet for the dictionary of a
# column that is null throughout (compression="lz4"). liblz4 compresses nothing to one byte, a token of 0, and so the block
# format has it (github.com/lz4/lz4, doc/lz4_Block_format.md: the last sequence is literals alone, here none).
# Outrider reads such pages: it never hands a page without values to a decompressor.
# Status 0 while it is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hyparquet-compressors@1.1.2
cat > block.mjs <<'JS'
import { decompressLz4Raw } from 'hyparquet-compressors'
let seen
try {
  seen = `${decompressLz4Raw(Uint8Array.of(0), 0).length} bytes`
} catch (error) {
  seen = error.message
}
console.log(`hyparquet-compressors 1.1.2, an LZ4 block of nothing (00): ${seen}`)
process.exit(/out of range/.test(seen) ? 0 : 1)
JS
node block.mjs
