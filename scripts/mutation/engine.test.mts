// The engine tests as one file, on an n8n-core that stays loaded outside of jest: else loading would take longer than the
// tests, for every mutant. Not part of `npm test`.
import { dirname } from 'node:path';
import type * as Engine from '../../test/engine/support/engine.mts';
import type * as Workflows from '../../test/engine/support/workflows.mts';

const { requireOutside } = globalThis as unknown as { requireOutside: NodeRequire };

/** Those beside n8n-core are its own copies, as the tests ask for them. */
const beside = (name: string) =>
	require.resolve(name, { paths: [dirname(require.resolve('n8n-core'))] });
for (const name of ['n8n-core', beside('@n8n/di'), beside('@n8n/backend-common')]) {
	jest.doMock(name, () => requireOutside(name));
}

/**
 * The others (cancel, fault-table, faults, few-calls, properties, trigger-forged) wait in real time, go through the same code
 * hundreds of times, or look at the clock while they do, and would do so again for every mutant that they reach.
 */
const SUITES = [
	'pickers',
	'delete',
	'get',
	'errors',
	'tool',
	'hostile',
	'trigger',
	'trigger-again',
	'get-many',
	'get-many-several',
	'upscale',
	'callback',
	'callback-trouble',
	'paid-once',
	'tooltip',
];

// What they share closes its servers and folders after the tests of all of them.
require('../../test/engine/support/kling.mts');
const { prepare } = require('../../test/engine/support/engine.mts') as typeof Engine;
const { klingWorkflow } = require('../../test/engine/support/workflows.mts') as typeof Workflows;
// Loaded before the first test, or what is done as the node is loaded would seem to be that test's affair alone.
beforeAll(async () => void (await prepare(klingWorkflow([], {}), { apiToken: '', baseUrl: '' })));
for (const name of SUITES) {
	describe(`engine/${name}`, () => {
		require(`../../test/engine/${name}.test.mts`);
	});
}
