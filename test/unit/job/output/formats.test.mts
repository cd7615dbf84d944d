import { imageItems, outputOf, raw, simplify } from '../../../../nodes/Kling/job/output/formats.ts';
import { parseTask } from '../../../../nodes/Kling/tasks/task.ts';
import { model, work } from '../../support/models.mts';

/** What an item's JSON holds, in each output. */

test('a task without images has no item of its own in the output Images', () => {
	const failed = model({ status_name: 'failed', works: [] });
	expect(outputOf(parseTask(failed), { taskId: '10' }, 'images')).toEqual([]);
	expect(outputOf(parseTask(failed), { taskId: '10' }, 'simplified')).toEqual([
		expect.objectContaining({ status: 'failed' }),
	]);
	expect(outputOf(parseTask(failed), { taskId: '10' }, 'raw')).toEqual([failed]);
});

describe('images', () => {
	test('become items with the names of Upscale’s fields', () => {
		expect(imageItems(parseTask(model()), { taskId: '10', account: 'a@b.c' })).toEqual([
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
	expect(simplify(parseTask({ error: 'x' }), { taskId: '7', account: undefined })).toEqual({
		taskId: '7',
		status: 'unknown',
		finished: false,
		images: [],
		message: 'x',
	});
	expect(simplify(parseTask(model()), { taskId: '7' })).toMatchObject({
		taskId: '10',
		createdAt: '2025-04-23T02:50:11.075Z',
		updatedAt: '2025-04-23T02:50:12.075Z',
	});
});

test.each([0, -1, 'yesterday', 1e20])('a time that is none is left out: %p', (createTime) => {
	expect(simplify(parseTask({ task: { createTime } }), { taskId: '7' })).not.toHaveProperty(
		'createdAt',
	);
});

test('raw renames only the field that n8n takes for a failure', () => {
	const failed = { ...model(), error: 'Moderation' };
	const { error, ...rest } = failed;
	expect(raw(parseTask(failed))).toEqual({ ...rest, vendorError: error });
	expect(raw(parseTask(model()))).toEqual(model());
});

test('a success has no message, another end has the vendor’s', () => {
	const message = 'success';
	expect(simplify(parseTask(model({ message })), { taskId: '1' })).not.toHaveProperty('message');
	const failed = { status_name: 'failed', status_final: true, message };
	expect(simplify(parseTask(model(failed)), { taskId: '1' })).toHaveProperty('message', 'success');
});

test('Raw has no vendor’s error where there is none', () => {
	expect(raw(parseTask(model()))).not.toHaveProperty('vendorError');
});

test('images have the ID of their task from the API, else the one asked for', () => {
	expect(imageItems(parseTask(model()), { taskId: '99' })[0].taskId).toBe('10');
	const without = model({ task: {}, works: [work({ taskId: undefined })] });
	expect(imageItems(parseTask(without), { taskId: '99' })[0].taskId).toBe('99');
});

test('what is empty is left out', () => {
	const item = simplify(parseTask(model()), { taskId: '1', account: '', replyRef: '' });
	expect(item).not.toHaveProperty('account');
	expect(item).not.toHaveProperty('replyRef');
});
