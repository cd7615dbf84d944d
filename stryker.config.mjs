// `npm run test:mutation`: breaks the code in each place in turn and looks whether a unit test that imports it notices.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import config from './test/mutation/jest.mjs';

const WORK = '.kling/mutation';

/** Objects that n8n's editor draws. n8n's lint checks their form; a unit test could only repeat them word by word. */
const DESCRIPTIONS =
	/"name":"(INodeProperties|INodeTypeDescription|IWebhookDescription|TriggerPanelDefinition|Icon)"/;

/** By the names in its type annotation, e.g. INodeProperties of `INodeProperties[]`. */
const shouldIgnore = ({ node }) =>
	['VariableDeclarator', 'ClassProperty'].includes(node.type) &&
	DESCRIPTIONS.test(JSON.stringify((node.id ?? node).typeAnnotation)) &&
	'It describes a field.';

export const strykerPlugins = [{ kind: 'Ignore', name: 'descriptions', value: { shouldIgnore } }];

export default {
	mutate: ['nodes/**/*.ts', 'credentials/**/*.ts'],
	plugins: ['@stryker-mutator/jest-runner', import.meta.filename],
	ignorers: ['descriptions'],
	testRunner: 'jest',
	coverageAnalysis: 'perTest',
	// What is done once, as a file loads, would have to be put to every test.
	ignoreStatic: true,
	jest: { projectType: 'custom', enableFindRelatedTests: false, config },
	incremental: true,
	incrementalFile: `${WORK}/incremental.json`,
	reporters: ['clear-text', 'progress-append-only', 'html'],
	clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
	htmlReporter: { fileName: `${WORK}/report.html` },
	// Not in here: what an interrupted run leaves behind would be linted.
	tempDirName: join(tmpdir(), 'n8n-nodes-useapi-kling-mutation'),
	ignorePatterns: ['.kling', 'dist', 'docs/images', '.github', '.ci'],
	cleanTempDir: 'always',
	timeoutMS: 5_000,
};
