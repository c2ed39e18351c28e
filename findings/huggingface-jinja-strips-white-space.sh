#!/usr/bin/env bash
# @huggingface/jinja, which transformers.js renders chat templates with, writes another prompt than transformers (Python) for
# templates in use, without an error: strip, lstrip and rstrip take white space whatever characters they are given (Qwen3's
# template has `lstrip('\n')`, so the indentation of an answer is lost), and true is written "true" for Python's "True".
#
# Seen with @huggingface/jinja 0.5.11, and what jinja2 3.1.6 gives:
#   '\n    code'.lstrip('\n')   "code"    jinja2: "    code"
#   'xxaxx'.strip('x')          "xxaxx"   jinja2: "a"
#   true                        "true"    jinja2: "True"
#
# Needs Node and npm. Installs into a folder of its own; ends with 1 if the library does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --loglevel=error @huggingface/jinja@0.5.11
cat >templates.mjs <<'JS'
import { Template } from '@huggingface/jinja'

const seen = [
  [String.raw`{{ '\n    code'.lstrip('\n') }}`, 'code'],
  [`{{ 'xxaxx'.strip('x') }}`, 'xxaxx'],
  ['{{ true }}', 'true'],
]
for (const [template, before] of seen) {
  const text = new Template(template).render({})
  console.log(template, JSON.stringify(text))
  if (text !== before) process.exitCode = 1
}
JS
node templates.mjs
