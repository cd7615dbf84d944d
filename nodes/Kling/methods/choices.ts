import type { INodeListSearchItems } from 'n8n-workflow';

import { originOf } from '../tasks/origin';
import { createdMs, UPSCALE_TYPE, type Task } from '../tasks/task';

/** How tasks and images are called in the lists of the editor, so that people recognise their pictures. */

/** Longer prompts are cut: n8n shows one line. */
const MAX_PROMPT_LENGTH = 60;
const DAY_MS = 24 * 3_600_000;

export interface Choice extends INodeListSearchItems {
	/** What a search finds it by. */
	searched: string;
}

/** @param zone the workflow's, e.g. "Europe/Berlin" */
export function taskChoice(task: Task, zone: string): Choice[] {
	const { taskId, type, images } = task;
	if (!taskId) return [];
	const prompt = promptOf(task);
	const count = images.length === 1 ? '1 image' : `${images.length} images`;
	const facts = [
		prompt ? shortened(prompt) : `Task ${taskId}`,
		count,
		ageInWords(createdMs(task), zone),
		type && kindInWords(type),
	];
	const name = facts.filter(Boolean).join(' · ');
	return [{ name, value: taskId, searched: [name, prompt, taskId].join(' ') }];
}

/** @param tasks others that may be larger versions of its images */
export function imageChoices({ images }: Task, tasks: Task[]): Choice[] {
	const upscaled = new Set(
		tasks
			.filter(({ type, failed }) => type === UPSCALE_TYPE && !failed)
			.flatMap((task) => originOf(task).fromWorkIds),
	);
	return images.flatMap(({ workId, width, height, url }, position) => {
		if (!workId) return [];
		const facts = [
			`Image ${position + 1}`,
			width && height && `${width} × ${height}`,
			upscaled.has(workId) && 'has a larger version',
		];
		const name = facts.filter(Boolean).join(' · ');
		return [{ name, value: workId, url, searched: `${name} ${workId}` }];
	});
}

/** "`arguments` hold the prompt: `__initialPrompt` on an upscale, `prompt` on a generation" (kling-api.md). assumes: list-tells-inputs */
function promptOf(task: Task): string {
	const { __initialPrompt: initial, prompt } = originOf(task).args;
	return (initial || prompt || '').replace(/\s+/g, ' ').trim();
}

const shortened = (prompt: string): string =>
	prompt.length > MAX_PROMPT_LENGTH ? `${prompt.slice(0, MAX_PROMPT_LENGTH - 1).trim()}…` : prompt;

/** E.g. "today 22:08", "yesterday 09:15", "1 Mar 10:00", "1 Mar 2025"; empty for a time that is none. */
export function ageInWords(ms: number, zone: string, nowMs = Date.now()): string {
	if (!Number.isFinite(ms)) return '';
	const inZone = (options: Intl.DateTimeFormatOptions, atMs = ms) =>
		new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options }).format(atMs);
	const dayOf = (atMs: number) => inZone({ dateStyle: 'short' }, atMs);
	const time = inZone({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
	if (dayOf(ms) === dayOf(nowMs)) return `today ${time}`;
	if (dayOf(ms) === dayOf(nowMs - DAY_MS)) return `yesterday ${time}`;
	const isThisYear = inZone({ year: 'numeric' }) === inZone({ year: 'numeric' }, nowMs);
	const day = { day: 'numeric', month: 'short' } as const;
	return isThisYear ? `${inZone(day)} ${time}` : inZone({ ...day, year: 'numeric' });
}

const KINDS: Record<string, string> = {
	[UPSCALE_TYPE]: 'upscaled',
	mmu_txt2img_aiweb: 'from text',
	mmu_img2img_aiweb: 'from an image',
};

/** What the API may call a task besides is shown with its own words: "mmu_image_expand_aiweb" reads as "image expand". */
const kindInWords = (type: string): string =>
	KINDS[type] ?? type.replace(/^mmu_|_aiweb$/g, '').replaceAll('_', ' ');
