// Bundles GraphiQL and its workers into ../../graph/graphiql/dist, each file
// compressed, with the licences of what is inside.
import { build } from 'esbuild';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const out = new URL('../../graph/graphiql/dist/', import.meta.url);
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = {
  bundle: true, minify: true, write: false, metafile: true, legalComments: 'none',
  jsx: 'automatic', target: 'es2022', outdir: '/out',
  loader: { '.ttf': 'dataurl', '.woff2': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"' },
};
const page = await build({
  ...common, format: 'esm', splitting: true,
  entryPoints: ['main.jsx'], chunkNames: 'chunk-[hash]',
});
const workers = await build({
  ...common, format: 'iife',
  entryPoints: {
    'editor.worker': 'node_modules/monaco-editor/esm/vs/editor/editor.worker.js',
    'json.worker': 'node_modules/monaco-editor/esm/vs/language/json/json.worker.js',
    'graphql.worker': 'node_modules/monaco-graphql/esm/graphql.worker.js',
  },
});

const save = (name, bytes) => writeFile(new URL(`${name}.gz`, out), gzipSync(bytes, { level: 9 }));
for (const { path, contents } of [...page.outputFiles, ...workers.outputFiles]) {
  const name = path.split('/').pop();
  // Style sheets of chunks repeat what main.css has; nothing links to them.
  if (name.endsWith('.css') && name !== 'main.css') continue;
  await save(name, contents);
}
await save('index.html', await readFile('index.html'));

// The licences of every package whose code is in the bundles.
const packages = new Set();
for (const result of [page, workers]) {
  for (const input of Object.keys(result.metafile.inputs)) {
    const found = [...input.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].pop();
    if (found) packages.add(input.slice(0, found.index) + found[0]);
  }
}
let notice = 'GraphiQL and what it is made of, as shipped in this folder.\n';
for (const dir of [...packages].sort()) {
  const about = JSON.parse(await readFile(`${dir}/package.json`, 'utf8'));
  const licence = (await readdir(dir)).find((f) => /^licen[cs]e/i.test(f));
  notice += `\n${'='.repeat(72)}\n${about.name} ${about.version} (${about.license})\n\n`;
  notice += licence ? await readFile(`${dir}/${licence}`, 'utf8') : 'No licence text in the package; see its package.json.\n';
}
await writeFile(new URL('../NOTICE', out), notice.replace(/[ \t\r]+$/gm, ''));
