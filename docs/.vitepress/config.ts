import { defineConfig } from 'vitepress'

const base = process.env.DOCS_BASE ?? '/'
const out = process.env.DOCS_OUT // an absolute path, where the site is not in its usual place

export default defineConfig({
  title: 'Outrider',
  description: 'Speculative decoding and the drafts for it, in TypeScript on WebGPU.',
  lang: 'en',
  base,
  ...(out && { outDir: out }),
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcExclude: ['**/node_modules/**'],
  // The index of the search is one chunk, fetched when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/guide/start' },
      { text: 'How it works', link: '/how-it-works' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      {
        text: 'Do',
        items: [
          { text: 'Start in five minutes', link: '/guide/start' },
          { text: 'Install', link: '/guide/install' },
          { text: 'Align a draft for your model', link: '/guide/align' },
          { text: 'A target on a cluster', link: '/guide/cluster' },
          { text: 'Write a loss', link: '/guide/loss' },
          { text: 'Put speculation into an app', link: '/guide/speculate' },
          { text: 'Terminal, playground', link: '/guide/terminal' },
          { text: 'A server', link: '/guide/server' },
          { text: 'llama.cpp, vLLM, transformers', link: '/guide/elsewhere' },
          { text: 'What is read, and how far', link: '/guide/what-is-read' },
          { text: 'Without a GPU, in CI', link: '/guide/without-a-gpu' },
          { text: 'Troubleshooting', link: '/guide/troubleshooting' },
        ],
      },
      {
        text: 'Understand',
        items: [
          { text: 'How it works', link: '/how-it-works' },
          { text: 'What each figure means', link: '/guide/figures' },
          { text: 'Architecture', link: '/architecture' },
          { text: 'Performance', link: '/performance' },
        ],
      },
      {
        text: 'API reference',
        items: [
          'tensor',
          'transformer',
          'losses',
          'losses/typed',
          'dataset',
          'training',
          'speculative',
          'evaluation',
          'align',
          'server',
        ].map((name) => ({
          text: `@outrider/${name}`,
          link: `/api/${name}`,
        })),
      },
    ],
  },
})
