import { parseTask } from '../../../nodes/Kling/tasks/task.ts';
import { model, work } from '../support/models.mts';

/** What is read from an answer, whatever may be missing in it. */

describe('parseTask decides by status_final and status_name', () => {
	test.each([
		['succeed', model(), { status: 'succeed', finished: true, failed: false }],
		['failed', model({ status_name: 'failed', works: [] }), { finished: true, failed: true }],
		[
			'processing',
			model({ status_name: 'processing', status_final: false }),
			{ finished: false, failed: false },
		],
		[
			'only in task',
			{ task: { id: 1, status_name: 'failed', status_final: true } },
			{ status: 'failed', failed: true },
		],
		['no status_final: by its name', model({ status_final: undefined }), { finished: true }],
		[
			'the number says nothing',
			model({ status: 99, status_name: undefined, status_final: undefined }),
			{ status: 'unknown', finished: false },
		],
		[
			'a final name nobody knows, with an image',
			model({ status_name: 'done' }),
			{ finished: true, failed: false },
		],
		[
			'a final name nobody knows, without',
			model({ status_name: 'done', works: [] }),
			{ finished: true, failed: true },
		],
		['nothing at all', {}, { status: 'unknown', finished: false, failed: false, images: [] }],
		[
			'wrong types all over',
			{ task: 5, works: 'none', status_name: 7, status_final: 'yes', message: {} },
			{ status: 'unknown', finished: false, images: [] },
		],
	])('%s', (_name, input, expected) => expect(parseTask(input as never)).toMatchObject(expected));

	test('says why by error before message', () => {
		expect(parseTask(model({ error: 'Moderation', message: 'Service busy' })).message).toBe(
			'Moderation',
		);
		expect(parseTask(model({ error: '', message: 'Service busy' })).message).toBe('Service busy');
		expect(parseTask(model({ task: { error: 'Inside' } })).message).toBe('Inside');
	});
});

describe('where there is nothing but works, as in a list, they tell about the task', () => {
	const said = (status_name: string, changes: object = {}) =>
		work({
			type: 'mmu_img2img_aiweb',
			createTime: 1745376611075,
			status_name,
			status_final: ['succeed', 'failed'].includes(status_name),
			...changes,
		});

	test('id, type, time and status', () => {
		expect(parseTask({ works: [said('succeed')] })).toMatchObject({
			taskId: '10',
			type: 'mmu_img2img_aiweb',
			status: 'succeed',
			finished: true,
			createdAt: '2025-04-23T02:50:11.075Z',
		});
	});

	test.each([
		['one still runs', ['succeed', 'processing', 'failed'], 'processing', false, false],
		['some came to something', ['failed', 'succeed'], 'succeed', true, false],
		['none did', ['failed', 'failed'], 'failed', true, true],
	])('%s', (_name, statuses, status, finished, failed) => {
		const works = statuses.map((name) => said(name));
		expect(parseTask({ works })).toMatchObject({ status, finished, failed });
	});

	test('but what the task says of itself counts first', () => {
		const task = { id: 99, type: 'other', createTime: 1745376600000, status_name: 'processing' };
		expect(parseTask({ task, works: [said('succeed')] })).toMatchObject({
			taskId: '99',
			type: 'other',
			status: 'processing',
			finished: false,
			createdAt: '2025-04-23T02:50:00.000Z',
		});
	});
});

describe('images', () => {
	test('are works whose file is an image', () => {
		expect(
			parseTask({
				works: [
					work(),
					work({ workId: '9007199254740993', contentType: undefined, cover: undefined }),
					work({ contentType: 'video' }),
					work({ resource: {} }),
					work({ resource: { resource: 'https://cdn.example/b.png', width: 0, height: '30' } }),
					null as never,
				],
			}).images,
		).toEqual([
			{
				workId: '11',
				url: 'https://cdn.example/a.png',
				width: 40,
				height: 30,
				coverUrl: 'https://cdn.example/cover.png',
			},
			{
				workId: '9007199254740993',
				url: 'https://cdn.example/a.png',
				width: 40,
				height: 30,
				coverUrl: undefined,
			},
			{
				workId: '11',
				url: 'https://cdn.example/b.png',
				width: undefined,
				height: undefined,
				coverUrl: 'https://cdn.example/cover.png',
			},
		]);
	});
});

test('what is empty or blank counts as not told', () => {
	const blank = model({ status_name: ' ', works: [work({ workId: ' ' })] });
	expect(parseTask(blank)).toMatchObject({ status: 'unknown', finished: true });
	expect(parseTask(blank).images[0].workId).toBeUndefined();
});
