import type { IDataObject } from 'n8n-workflow';

import { bench, enhance } from '../../support/kling.mts';
import { LINK } from './enhancing.mts';

/** As an AI tool Enhance is paid for once as well. */

describe('as an AI tool', () => {
	const chosen = { imageUrl: "={{ $fromAI('link', 'the image', 'string') }}" };
	const call = { link: LINK };
	const answer = (text: string) => (JSON.parse(text) as IDataObject[])[0];

	test('it takes a link, whatever Image Source says, and is paid once in an execution', async () => {
		const kling = await bench();
		const parameters = { ...enhance(chosen), imageSource: 'binary' };
		const texts = await kling.ask([call, call], parameters);
		expect(texts.map((text) => answer(text).taskId)).toEqual(['500000010', '500000010']);
		expect(answer(texts[0]).status).toBe('succeed');
		expect(kling.enhances()).toEqual([{ image: LINK, resolution: '2k' }]);
		const [later] = await kling.ask([call], parameters);
		expect(answer(later).taskId).toBe('500000020');
	});

	test.each<[object, RegExp]>([
		[
			{ link: 'the blue one' },
			/'Image URL' is not a web address: "the blue one"\. Use a link that opens/,
		],
		[{ link: '' }, /'Image URL' is not a web address/],
	])('a wrong link is told: %j', async (wrong, words) => {
		const kling = await bench();
		const [text] = await kling.ask([wrong as IDataObject], enhance(chosen));
		expect(text).toMatch(words);
		expect(kling.enhances()).toEqual([]);
	});

	test('what does not finish in time must not be asked for again', async () => {
		const kling = await bench({ jobMs: 90_000 });
		const [text] = await kling.ask([call], enhance({ ...chosen, options: { timeout: 1 } }));
		expect(text).toContain('Task 500000010 did not finish within 1 seconds');
		expect(text).toContain('Do not ask for it again, since that could spend credits twice');
	});

	test('a refusal is told with a step that an agent can take', async () => {
		const kling = await bench({ enhance: 'forbidden' });
		const [text] = await kling.ask([call], enhance(chosen));
		expect(text).toContain('Choose another link or another image');
	});
});
