/** The report's style sheet: light and dark by the reader's preference, one column on a phone. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2230;--soft:#5b6475;--rule:#dfe3ea;--card:#f6f7f9;
--s0:#6b7280;--s1:#0b6bcb;--s2:#c2410c;--s3:#0f766e;--s4:#7c3aed;--s5:#b7791f;--good:#d5efe0;--fix:#ffdcc7;--bonus:#dbe6ff}
@media(prefers-color-scheme:dark){:root{--paper:#12151c;--ink:#e7eaf0;--soft:#9aa4b5;--rule:#2b313d;--card:#1a1f29;
--s0:#9ca3af;--s1:#5aa9f8;--s2:#fb8a4c;--s3:#3fc7b4;--s4:#b69cff;--s5:#e6b450;--good:#174a33;--fix:#5c2c12;--bonus:#1f3768}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:64rem;margin:0 auto;padding:2rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}h3{font-size:1rem;margin:0 0 .25rem}
.lead{font-size:1.08rem;max-width:46rem}.soft,figcaption,.legend,dt{color:var(--soft)}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
figure,.card{margin:0;padding:1rem;background:var(--card);border:1px solid var(--rule);border-radius:.6rem;min-width:0}
figcaption{font-size:.92rem;margin-bottom:.5rem}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
.scroll{overflow-x:auto}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.tick,.label,.value{fill:var(--soft)}.value{font-size:9px;fill:var(--ink)}
.end{text-anchor:end}.middle{text-anchor:middle}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}
.line.s0{stroke:var(--s0);stroke-dasharray:6 3}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2);stroke-dasharray:10 3}.line.s3{stroke:var(--s3)}.line.s4{stroke:var(--s4);stroke-dasharray:3 3}.line.s5{stroke:var(--s5)}
.bar.s0,.dot.s0{fill:var(--s0)}.bar.s1,.dot.s1{fill:var(--s1)}.bar.s2,.dot.s2{fill:var(--s2)}.bar.s3,.dot.s3{fill:var(--s3)}.bar.s4,.dot.s4{fill:var(--s4)}.bar.s5,.dot.s5{fill:var(--s5)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:.5rem 0 0;padding:0;font-size:.88rem}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:.2em;margin-right:.4em;vertical-align:-.05em}
.swatch.s0{background:var(--s0)}.swatch.s1{background:var(--s1)}.swatch.s2{background:var(--s2)}.swatch.s3{background:var(--s3)}.swatch.s4{background:var(--s4)}.swatch.s5{background:var(--s5)}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child,.left{text-align:left}thead th{font-weight:600;color:var(--soft);white-space:normal;vertical-align:bottom}tr.best td{font-weight:650}
.tokens{font:.95rem/1.9 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0 0}
.tokens span{border-radius:.25em;padding:.1em 0}
.accepted{background:var(--good)}.corrected{background:var(--fix);text-decoration:underline}.bonus{background:var(--bonus)}.accepted,.corrected,.bonus{color:var(--ink)}
details{margin-top:.6rem;font-size:.9rem}summary{cursor:pointer;color:var(--soft)}details table{width:auto}tbody th{font-weight:400}
:focus-visible{outline:2px solid var(--s1);outline-offset:2px}
.headline{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:1.5rem 0 0}
.headline div{padding:.75rem 1rem;background:var(--card);border:1px solid var(--rule);border-radius:.6rem}
.headline dd{font-size:1.6rem;line-height:1.25;font-variant-numeric:tabular-nums}.headline dd.soft{font-size:.85rem}
dl:not(.headline){display:grid;grid-template-columns:auto 1fr;gap:.15rem 1rem;margin:0;font-size:.92rem}dd{margin:0;overflow-wrap:anywhere}
`
