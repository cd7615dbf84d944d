import { extname } from 'node:path';
import type { ContentType, Outcome, SandboxSeed } from '../options.mts';
import type { Picture, PictureSet } from './pictures.mts';
import { stableId } from './pictures.mts';
import type { Task, Work } from './tasks.mts';

/** Tasks that no POST has made: those that stand for pictures, and seeds. */

const TYPE_SOURCE = 'mmu_img2img_aiweb';
export const failed = (what: string) => ({
	error: `Image ${what} failed. (sandbox: the picture is named so)`,
	message: 'Service busy',
});

export function outcomeFrom(name: string): Outcome {
	if (name.includes('forbidden')) return 'forbidden';
	return name.includes('fails') ? 'fails' : 'succeeds';
}

/** "harbour-set/dawn.jpg" becomes "harbour set dawn". */
function promptFrom(name: string) {
	return name.replace(/\.\w+$/, '').replaceAll(/[-_/]+/g, ' ');
}

function pictureWork(picture: Picture, workId: bigint, contentType: ContentType = 'image'): Work {
	const { file, width, height } = picture;
	const extension = contentType === 'image' ? extname(picture.name).toLowerCase() : '.mp4';
	const path = `/pictures/${workId}${extension}`;
	return { workId, contentType, path, file, width, height };
}

function finishedTask(id: bigint, createTime: number, prompt: string) {
	return {
		id,
		type: TYPE_SOURCE,
		statusName: 'succeed' as const,
		createTime,
		updateTime: createTime,
		prompt,
		inputs: [],
		args: { prompt },
	};
}

export function fromPictureSet({ name, pictures }: PictureSet): Task {
	const createTime = Math.max(...pictures.map(({ modified }) => modified));
	return {
		...finishedTask(stableId(name), createTime, promptFrom(name)),
		works: pictures.map((picture) => pictureWork(picture, stableId(`${picture.name} work`))),
		outcome: outcomeFrom(name),
	};
}

export function fromSeed(seed: SandboxSeed, pictures: Picture[]): Task {
	const picture = seed.picture ? pictures.find((p) => p.name === seed.picture) : pictures[0];
	if (!picture) throw new Error(`Seed ${seed.taskId}: no picture ${seed.picture ?? 'at all'}`);
	const statusName = seed.status ?? 'succeed';
	const id = BigInt(seed.taskId);
	const hasWorks = statusName === 'succeed' && !seed.withoutWorks;
	const isFailed = statusName === 'failed';
	return {
		...finishedTask(id, seed.createTime ?? Date.now(), seed.prompt ?? promptFrom(picture.name)),
		email: seed.email,
		...(seed.contentType === 'video' && { type: 'm2v_img2video_hq' }),
		statusName,
		works: hasWorks ? [pictureWork(picture, BigInt(seed.workId ?? id + 1n), seed.contentType)] : [],
		outcome: seed.upscale ?? outcomeFrom(picture.name),
		...(isFailed && failed('upscale')),
		...(seed.error && { error: seed.error }),
		...(seed.message && { message: seed.message }),
	};
}
