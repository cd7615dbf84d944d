import { ageInWords, imageChoices, taskChoice } from '../../../nodes/Kling/methods/choices.ts';
import { parseTask } from '../../../nodes/Kling/tasks/task.ts';
import { UPSCALE_TYPE } from '../../support/fakes.mts';

/** What people read in the lists, and what a search finds. */

const NOW_MS = Date.UTC(2026, 2, 15, 12);

test.each([
	['today', Date.UTC(2026, 2, 15, 8, 5), 'UTC', 'today 08:05'],
	['today in another zone', Date.UTC(2026, 2, 14, 23, 30), 'Europe/Berlin', 'today 00:30'],
	['yesterday', Date.UTC(2026, 2, 14, 23, 30), 'UTC', 'yesterday 23:30'],
	['this year', Date.UTC(2026, 0, 2, 9), 'UTC', '2 Jan 09:00'],
	['another year', Date.UTC(2025, 2, 15, 12), 'UTC', '15 Mar 2025'],
	['no time', NaN, 'UTC', ''],
])('%s', (_name, ms, zone, words) => expect(ageInWords(ms, zone, NOW_MS)).toBe(words));

const taskWith = (changes: object = {}, args: Record<string, string> = {}) =>
	parseTask({
		task: { id: 10, ...changes },
		works: [
			{
				workId: 11,
				resource: { resource: 'https://cdn.example/a.png', width: 40, height: 30 },
				taskInfo: { arguments: Object.entries(args).map(([name, value]) => ({ name, value })) },
			},
		],
	});
const nameOf = (task: ReturnType<typeof taskWith>) => taskChoice(task, 'UTC')[0].name;

test.each<[string, object, Record<string, string>, string]>([
	['a prompt', {}, { prompt: 'A  bridge\nin fog' }, 'A bridge in fog · 1 image'],
	['the first prompt', {}, { prompt: '', __initialPrompt: 'A bridge' }, 'A bridge · 1 image'],
	['60 letters', {}, { prompt: 'x'.repeat(60) }, `${'x'.repeat(60)} · 1 image`],
	['more', {}, { prompt: 'x'.repeat(61) }, `${'x'.repeat(59)}… · 1 image`],
	['none', { type: UPSCALE_TYPE }, {}, 'Task 10 · 1 image · upscaled'],
	['another kind', { type: 'mmu_image_expand_aiweb' }, {}, 'Task 10 · 1 image · image expand'],
])('a task with %s', (_name, task, args, name) => expect(nameOf(taskWith(task, args))).toBe(name));

test('a search finds the whole prompt and the ID', () => {
	const [{ searched, value }] = taskChoice(
		taskWith({}, { prompt: `${'x'.repeat(80)} end` }),
		'UTC',
	);
	expect(value).toBe('10');
	expect(searched).toContain('xx end 10');
});

test('a task without an ID is none to choose', () =>
	expect(taskChoice(parseTask({}), 'UTC')).toEqual([]));

test.each([
	['upscaled', { type: UPSCALE_TYPE }, '11', true],
	['upscaled from another image', { type: UPSCALE_TYPE }, '12', false],
	['changed in another way', { type: 'mmu_image_expand_aiweb' }, '11', false],
	['not upscaled after all', { type: UPSCALE_TYPE, status_name: 'failed' }, '11', false],
])('an image that was %s', (_name, task, fromWorkId, isMarked) => {
	const taskInfo = { inputs: [{ fromWorkId }] };
	const [{ name, value }] = imageChoices(taskWith(), [parseTask({ task: { ...task, taskInfo } })]);
	expect(value).toBe('11');
	expect(name).toBe(`Image 1 · 40 × 30${isMarked ? ' · has a larger version' : ''}`);
});
