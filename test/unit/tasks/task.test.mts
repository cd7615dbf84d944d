import {
	imageItems,
	imagesOf,
	outputOf,
	raw,
	readTask,
	simplify,
} from '../../../nodes/Kling/tasks/task.ts';

const work = (changes: object = {}) => ({
	workId: 11,
	taskId: 10,
	contentType: 'image',
	resource: { resource: 'https://cdn.example/a.png', width: 40, height: 30 },
	cover: { resource: 'https://cdn.example/cover.png' },
	...changes,
});
const model = (changes: object = {}) => ({
	task: {
		id: 10,
		type: 'mmu_image_upscale_aiweb',
		createTime: 1745376611075,
		updateTime: 1745376612075,
	},
	works: [work()],
	status_name: 'succeed',
	status_final: true,
	...changes,
});

describe('readTask decides by status_final and status_name', () => {
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
	])('%s', (_name, input, expected) => expect(readTask(input as never)).toMatchObject(expected));

	test('says why by error before message', () => {
		expect(readTask(model({ error: 'Moderation', message: 'Service busy' })).message).toBe(
			'Moderation',
		);
		expect(readTask(model({ error: '', message: 'Service busy' })).message).toBe('Service busy');
		expect(readTask(model({ task: { error: 'Inside' } })).message).toBe('Inside');
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
		expect(simplify({ works: [said('succeed')] }, { taskId: '7' })).toMatchObject({
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
		expect(readTask({ works })).toMatchObject({ status, finished, failed });
	});

	test('but what the task says of itself counts first', () => {
		const task = { id: 99, type: 'other', createTime: 1745376600000, status_name: 'processing' };
		expect(readTask({ task, works: [said('succeed')] })).toMatchObject({
			taskId: '99',
			type: 'other',
			status: 'processing',
			finished: false,
			createdAt: '2025-04-23T02:50:00.000Z',
		});
	});
});

test('a task without images has no item of its own in the output Images', () => {
	const failed = model({ status_name: 'failed', works: [] });
	expect(outputOf(failed, { taskId: '10' }, 'images')).toEqual([]);
	expect(outputOf(failed, { taskId: '10' }, 'simplified')).toEqual([
		expect.objectContaining({ status: 'failed' }),
	]);
	expect(outputOf(failed, { taskId: '10' }, 'raw')).toEqual([failed]);
});

describe('images', () => {
	test('are works whose file is an image', () => {
		expect(
			imagesOf({
				works: [
					work(),
					work({ workId: '9007199254740993', contentType: undefined, cover: undefined }),
					work({ contentType: 'video' }),
					work({ resource: {} }),
					work({ resource: { resource: 'https://cdn.example/b.png', width: 0, height: '30' } }),
					null as never,
				],
			}),
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

	test('become items with the names of Upscale’s fields', () => {
		expect(imageItems(model(), { taskId: '10', account: 'a@b.c' })).toEqual([
			{
				taskId: '10',
				workId: '11',
				url: 'https://cdn.example/a.png',
				width: 40,
				height: 30,
				coverUrl: 'https://cdn.example/cover.png',
				type: 'mmu_image_upscale_aiweb',
				createdAt: '2025-04-23T02:50:11.075Z',
				account: 'a@b.c',
			},
		]);
	});
});

test('simplify leaves out what is not known and never has an error field', () => {
	expect(simplify({ error: 'x' } as never, { taskId: '7', account: undefined })).toEqual({
		taskId: '7',
		status: 'unknown',
		finished: false,
		images: [],
		message: 'x',
	});
	expect(simplify(model(), { taskId: '7' })).toMatchObject({
		taskId: '10',
		createdAt: '2025-04-23T02:50:11.075Z',
		updatedAt: '2025-04-23T02:50:12.075Z',
	});
});

test.each([0, -1, 'yesterday', 1e20])('a time that is none is left out: %p', (createTime) => {
	expect(simplify({ task: { createTime } } as never, { taskId: '7' })).not.toHaveProperty(
		'createdAt',
	);
});

test('raw renames only the field that n8n takes for a failure', () => {
	const failed = { ...model(), error: 'Moderation' };
	const { error, ...rest } = failed;
	expect(raw(failed)).toEqual({ ...rest, vendorError: error });
	expect(raw(model())).toEqual(model());
});

test('a success has no message, another end has the vendor’s', () => {
	const message = 'success';
	expect(simplify(model({ message }), { taskId: '1' })).not.toHaveProperty('message');
	const failed = { status_name: 'failed', status_final: true, message };
	expect(simplify(model(failed), { taskId: '1' })).toHaveProperty('message', 'success');
});

test('Raw has no vendor’s error where there is none', () => {
	expect(raw(model())).not.toHaveProperty('vendorError');
});

test('images have the ID of their task from the API, else the one asked for', () => {
	expect(imageItems(model(), { taskId: '99' })[0].taskId).toBe('10');
	const without = model({ task: {}, works: [work({ taskId: undefined })] });
	expect(imageItems(without, { taskId: '99' })[0].taskId).toBe('99');
});

test('what is empty or blank counts as not told', () => {
	const blank = model({ status_name: ' ', works: [work({ workId: ' ' })] });
	expect(readTask(blank)).toMatchObject({ status: 'unknown', finished: true });
	expect(imagesOf(blank)[0].workId).toBeUndefined();
	expect(simplify(model(), { taskId: '1', account: '', replyRef: '' })).not.toHaveProperty(
		'account',
	);
});
