// `npm run build`: sources and assets into dist/, the only folder that is published.
const { rm } = require('node:fs/promises');
const typescript = require('@rollup/plugin-typescript');
const { dest, parallel, series, src } = require('gulp');
const { rollup } = require('rollup');

const { n8n } = require('./package.json');

const clean = () => rm('dist', { recursive: true, force: true });

/** The files that n8n loads, and one with what they share: n8n loads few files faster than many. */
async function compile() {
	const files = [...n8n.nodes, ...n8n.credentials].map((file) =>
		file.slice('dist/'.length, -'.js'.length),
	);
	const bundle = await rollup({
		input: Object.fromEntries(files.map((file) => [file, `${file}.ts`])),
		external: ['n8n-workflow'],
		plugins: [typescript({ module: 'esnext', noEmitOnError: true })],
		onLog(level, { message }) {
			throw new Error(message);
		},
	});
	await bundle.write({ dir: 'dist', format: 'cjs', chunkFileNames: 'nodes/Kling/shared.js' });
	await bundle.close();
}

/** Icons and codex files (search words and links) stand beside the compiled files that name them. */
const copyAssets = () =>
	src(['nodes/**/*.{svg,json}', 'credentials/**/*.svg'], { base: '.' }).pipe(dest('dist'));

exports.clean = clean;
exports.default = series(clean, parallel(compile, copyAssets));
