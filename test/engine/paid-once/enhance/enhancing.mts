import type { IDataObject } from 'n8n-workflow';

import { pictures, upscale, type Bench } from '../../support/kling.mts';

/** What the tests of how often Enhance is paid for have in common. */

export const POST = { method: 'POST', path: '/v1/kling/images/enhance' };
export const LINK = 'https://shop.example.com/shoe.jpg';
export const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
export const found = { taskId: '500000010', status: 'succeed' };

/** Two input items with a picture each. */
export const files: IDataObject[] = [];
export const makeFiles = async () => void files.splice(0, 2, ...(await pictures(2)));

/** By file and by link. */
export const sources: Array<[string, () => IDataObject[], IDataObject]> = [
	['a file', () => files.slice(0, 1), {}],
	['a link', () => [{}], { imageUrl: LINK }],
];

export const counts = ({ uploads, enhances }: Bench) => [uploads().length, enhances().length];

/** A job of another image, so that the lists show that they tell what jobs are of. */
export async function sendAnother(kling: Bench): Promise<void> {
	await kling.run([{}], upscale({ wait: 'none' }));
	kling.sandbox.requests.length = 0;
}
