import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { BEGIN, END, faultTable } from '../engine/support/fault-doc.mts';

const PAGE = resolve(import.meta.dirname, '../../docs/reliability.md');

/** With UPDATE_DOCS=1 the page is written anew. */
test('the fault table in docs/reliability.md is the one that is tried', () => {
	const page = readFileSync(PAGE, 'utf8');
	const between = new RegExp(`${BEGIN}[^]*${END}`);
	expect(page).toMatch(between);
	const fresh = page.replace(between, () => `${BEGIN}\n\n${faultTable()}\n\n${END}`);
	if (process.env.UPDATE_DOCS) writeFileSync(PAGE, fresh);
	else expect(page).toBe(fresh);
});
