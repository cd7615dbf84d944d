// `npm run test:engines`: the engine tests on n8n's engine of the oldest and the newest version, under each Node.js they run on.
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { installOnce, installPackage } from './cache.mts';
import { inForeground } from './foreground.mts';
import { ensureNode } from './node.mts';
import { PlainError, run } from './npm.mjs';
import { PROJECT } from './project.mts';

/** n8n-core brings the n8n-workflow of its time along. */
const OLDEST_CORE = '2.8.1';
const CORE_NEEDED_GB = 1;
/** The tests wait for jobs more than they work. */
const WORKERS = 2;
const { devDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
	devDependencies: Record<string, string>;
};
const NEWEST_CORE = devDependencies['n8n-core'];

/** What each version runs on, by the "engines" of its n8n: 2.8 on ">=20.19 <= 24.x", 2.41 on 24. */
const MATRIX = [
	{ n8n: 'oldest', core: OLDEST_CORE, node: 20 },
	{ n8n: 'oldest', core: OLDEST_CORE, node: 22 },
	{ n8n: 'oldest', core: OLDEST_CORE, node: 24 },
	{ n8n: 'newest', core: NEWEST_CORE, node: 24 },
];

const HELP = `Runs the engine tests on n8n's engine in several versions, and says what ran on what.

  npm run test:engines                            all: n8n-core ${OLDEST_CORE} on Node.js 20, 22 and 24, ${NEWEST_CORE} on 24
  npm run test:engines -- --n8n oldest --node 20  only what fits; either may be left out
  npm run test:engines -- --help                  this text

(npm test runs them on n8n-core ${NEWEST_CORE} and your own Node.js.) What is missing is installed into your cache folder.`;

function wanted(): typeof MATRIX {
	const { values } = parseArgs({
		options: {
			n8n: { type: 'string' },
			node: { type: 'string' },
			help: { type: 'boolean', short: 'h', default: false },
		},
	});
	if (values.help) {
		console.log(HELP);
		process.exit(0);
	}
	const chosen = MATRIX.filter(
		({ n8n, node }) =>
			(values.n8n ?? n8n) === n8n && (values.node === undefined || Number(values.node) === node),
	);
	if (chosen.length === 0) throw new PlainError(`There is nothing like that to run.\n\n${HELP}`);
	return chosen;
}

/** Undefined for the version that is among this project's own packages. */
async function ensureCore(core: string): Promise<string | undefined> {
	if (core === NEWEST_CORE) return undefined;
	return await installOnce(
		`n8n-core-${core}`,
		CORE_NEEDED_GB,
		join('node_modules', 'n8n-core', 'package.json'),
		async (work) =>
			await installPackage(
				`Installing n8n-core ${core} (about a minute)`,
				work,
				`n8n-core@${core}`,
			),
	);
}

/** Shows what jest prints. */
async function jest(node: string, core: string | undefined): Promise<number> {
	return await inForeground(
		node,
		[
			join(PROJECT, 'node_modules', 'jest', 'bin', 'jest.js'),
			'--selectProjects=engine',
			`--maxWorkers=${WORKERS}`,
			// n8n-core 2.8 leaves something open that would keep jest from ending.
			...(core ? ['--forceExit'] : []),
		],
		{
			...process.env,
			// For what the tests start themselves.
			PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
			KLING_N8N_CORE: core,
			KLING_E2E: undefined,
		},
	);
}

async function main(): Promise<boolean> {
	const results: string[] = [];
	let good = true;
	for (const { n8n, core, node } of wanted()) {
		const folder = await ensureCore(core);
		const { binary } = await ensureNode(node, 'the engine tests');
		const { output } = await run(binary, ['--version']);
		console.log(`\n== n8n-core ${core} (${n8n}) on Node.js ${output.trim()}`);
		const since = Date.now();
		const code = await jest(binary, folder);
		good &&= code === 0;
		results.push(
			`${code === 0 ? '✓' : '✗'} n8n-core ${core} (${n8n}) on Node.js ${output.trim()}, ${Math.round((Date.now() - since) / 1000)} s`,
		);
	}
	console.log(`\n${results.join('\n')}`);
	return good;
}

try {
	process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
	console.error(`\n✗ ${error instanceof PlainError ? error.message : (error as Error).stack}`);
	process.exitCode = 1;
}
