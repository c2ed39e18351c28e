#!/usr/bin/env bash
# @mlc-ai/web-xgrammar, the grammar engine that WebLLM masks tokens with, cannot be used in Node: it calls itself an ES module, and
# its only file asks for `require` as soon as it finds itself in Node.
#
# Seen with @mlc-ai/web-xgrammar 0.1.27 in Node 20.20.2: import() ends in
#   ReferenceError: require is not defined in ES module scope, you can use import instead
#
# Needs Node and npm. Installs into a folder of its own; ends with 1 if the library does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --loglevel=error @mlc-ai/web-xgrammar@0.1.27
cat >load.mjs <<'JS'
const loaded = await import('@mlc-ai/web-xgrammar').then(
  (module) => Object.keys(module).join(', '),
  (error) => `${error.name}: ${error.message.split('\n')[0]}`,
)
console.log(process.version, loaded)
if (!loaded.startsWith('ReferenceError: require is not defined')) process.exitCode = 1
JS
node load.mjs
