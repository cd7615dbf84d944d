import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { installN8n } from '../../tools/n8n/install.mts';
import { KLING, KLING_TRIGGER, openN8n, type RealN8n } from './support/real-n8n.mts';

/** n8n's own AI workflow builder: what it finds, and what it is told, asked of its own code. No model takes part. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

interface NodeType {
	name: string;
	builderHint?: { relatedNodes?: Array<{ nodeType: string }> };
}

test('it finds the node among all others, with its hints, and every node that they name', async () => {
	const nodeTypes = await real.api.request<NodeType[]>('GET', '/types/nodes.json');
	const file = join(real.folder, 'node-types.json');
	await writeFile(file, JSON.stringify(nodeTypes));
	const n8n = await installN8n();
	const script = join(import.meta.dirname, 'support', 'ask-builder.mjs');
	const ask = async (query: string) => {
		const { stdout } = await execa(n8n.node, [script, n8n.modules, file, query]);
		return JSON.parse(stdout) as { found: string; types: string };
	};

	const { found, types } = await ask('upscale image');
	expect(found).toContain(`- ${KLING}\n`);
	expect(found).toContain('never build a loop of HTTP Request, Wait and If around it');
	expect(found).toContain(`- ${KLING_TRIGGER}: "Starts another workflow`);
	expect(types).toContain("resource: 'image';\n  operation: 'upscale';");
	expect(types).toContain('@builderHint Keep "poll" unless the user asks for something else');

	const names = new Set(nodeTypes.map(({ name }) => name));
	const related = nodeTypes
		.filter(({ name }) => name === KLING || name === KLING_TRIGGER)
		.flatMap(({ builderHint }) => builderHint?.relatedNodes ?? []);
	expect(related.length).toBeGreaterThan(2);
	for (const { nodeType } of related)
		expect([nodeType, names.has(nodeType)]).toEqual([nodeType, true]);
}, 60_000);
