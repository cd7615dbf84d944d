// What n8n's own AI workflow builder reads of the installed nodes, by the code it uses itself:
//   node ask-builder.mjs <node_modules of n8n> <file with all node types> <query>
// It answers with JSON: what its search finds, and the types it would write workflows by.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const [modules, file, query] = process.argv.slice(2);
const load = createRequire(join(modules, 'any.js'));
const { NodeTypeParser, searchCodeBuilderNodes } = load('@n8n/ai-utilities/node-catalog');
const { generateNodeTypeFile } = load('@n8n/workflow-sdk/scripts/generate-types');

const nodeTypes = JSON.parse(readFileSync(file, 'utf8'));
const { results } = searchCodeBuilderNodes(new NodeTypeParser(nodeTypes), [query]);
const kling = nodeTypes.find(({ name }) => name === 'n8n-nodes-useapi-kling.kling');
process.stdout.write(JSON.stringify({ found: results, types: generateNodeTypeFile(kling) }));
