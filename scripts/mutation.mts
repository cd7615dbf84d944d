// `npm run test:mutation`: does a test notice when the node is broken in one place? Stryker breaks it in each place in turn.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { figures, survivors, type Report } from './mutation/figures.mts';
import { UserError } from '../tools/terminal.mts';
import { PROJECT, WORK } from '../tools/project.mts';

const REPORT = join(WORK, 'mutation', 'report.json');
/** Copies of the project, which lint would look into. */
const COPIES = join(WORK, 'mutation', 'copy');
const PAGE = join(PROJECT, 'docs', 'mutation.md');
const BETWEEN = /(<!-- measured -->\n)[^]*(\n<!-- \/measured -->)/;

const HELP = `Breaks the node in each place in turn and looks whether a test notices.

  npm run test:mutation                             all of nodes/ and credentials/, and writes docs/mutation.md
  npm run test:mutation -- nodes/Kling/job/slots.ts this file only; folders and several of them as well
  npm run test:mutation -- --unit                   with the unit tests alone: minutes; what only engine tests reach is left
  npm run test:mutation -- --again                  all over, also what was found out before
  npm run test:mutation -- --help                   this text

The first run takes about an hour on two cores, the next ones ask only what has changed. KLING_MUTATION_WORKERS is how many
run at a time (3). The full report is .kling/mutation/report.html.`;

const pattern = (path: string) => (path.endsWith('.ts') ? path : join(path, '**/*.ts'));

async function stryker(paths: string[], again: boolean): Promise<number> {
	const args = [
		join(PROJECT, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
		'run',
		'scripts/mutation/stryker.config.mjs',
		...(paths.length > 0 ? ['--mutate', paths.map(pattern).join(',')] : []),
		...(again ? ['--force'] : []),
	];
	const options = { cwd: PROJECT, stdio: 'inherit', reject: false } as const;
	return (await execa(process.execPath, args, options)).exitCode ?? 1;
}

/** What the figures rest on. */
async function circumstances(): Promise<string> {
	const { devDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
		devDependencies: Record<string, string>;
	};
	const { stdout } = await execa('git', ['rev-parse', '--short', 'HEAD'], { cwd: PROJECT });
	const versions = ['@stryker-mutator/core', 'jest', 'n8n-core'].map(
		(name) => `${name} ${devDependencies[name]}`,
	);
	return `Measured on ${new Date().toISOString().slice(0, 10)} at commit ${stdout} by \`npm run test:mutation\`, with ${versions.join(', ')} and Node.js ${process.versions.node}.`;
}

async function main(): Promise<number> {
	const { values, positionals: paths } = parseArgs({
		allowPositionals: true,
		options: {
			again: { type: 'boolean', default: false },
			unit: { type: 'boolean', default: false },
			help: { type: 'boolean', short: 'h', default: false },
		},
	});
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const missing = paths.filter((path) => !existsSync(join(PROJECT, path)));
	if (missing.length > 0) throw new UserError(`There is no ${missing.join(', ')}.\n\n${HELP}`);
	if (values.unit) process.env.KLING_MUTATION_UNIT = 'yes';
	const code = await stryker(paths, values.again);
	if (code !== 0) return code;
	const report = JSON.parse(readFileSync(REPORT, 'utf8')) as Report;
	console.log(`\n${survivors(report, paths)}\n\n${figures(report, paths)}`);
	if (paths.length === 0 && !values.unit) {
		const page = readFileSync(PAGE, 'utf8');
		const fresh = `${await circumstances()}\n\n${figures(report)}`;
		writeFileSync(
			PAGE,
			page.replace(BETWEEN, (_, start, end) => `${start}\n${fresh}\n${end}`),
		);
		console.log('\nThese are in docs/mutation.md as well.');
	}
	return 0;
}

try {
	process.exitCode = await main();
} catch (error) {
	console.error(`\n✗ ${error instanceof UserError ? error.message : (error as Error).stack}`);
	process.exitCode = 1;
} finally {
	rmSync(COPIES, { recursive: true, force: true });
}
