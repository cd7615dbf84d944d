import type { IDataObject } from 'n8n-workflow';

import {
	behindTls,
	idsIn,
	others,
	see,
	stage,
	succeeded,
	type Seen,
	type Stage,
	type Trial,
	type Where,
} from '../fault-stage.mts';
import { calls } from '../fault-table.mts';
import { enhance, fromItem, pictures, upscale } from '../kling.mts';
import { POST_ENHANCE, UPLOAD, POST_UPSCALE } from './where.mts';

/** A job is sent, and what is looked up around it. */

export const upscaling =
	(wait: 'poll' | 'callback' | 'none') =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, POST_UPSCALE);
		if (calls.upscale.promises[trial.fault] === 'lookedUp') await sendAnother(kling);
		kling.spoil();
		const parameters = upscale({
			...kling.source,
			wait,
			options: { timeout: trial.fault === '429' ? 60 : 600 },
		});
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run([{}], parameters), (outputs, { run }) => {
				const waited = wait === 'poll' ? succeeded(outputs) : idsIn(outputs).length > 0;
				return waited && (wait !== 'callback' || run.waitTill !== undefined || succeeded(outputs));
			}),
		);
	};

export const enhancing =
	(source: IDataObject) =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, POST_ENHANCE);
		if (calls.upscale.promises[trial.fault] === 'lookedUp') await sendAnother(kling);
		kling.spoil();
		const parameters = enhance({
			...source,
			options: { timeout: trial.fault === '429' ? 60 : 600 },
		});
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run(await pictures(1), parameters), succeeded),
		);
	};

export async function uploading(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, UPLOAD);
	kling.spoil();
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run(await pictures(1), enhance()), succeeded),
	);
}

/** A job of another image: it shows that the lists tell what jobs are of. */
async function sendAnother(kling: Stage): Promise<void> {
	await kling.run(others.items.slice(0, 1), upscale({ ...fromItem, wait: 'none' }));
	kling.sandbox.requests.length = 0;
}

/** A look in one of the two lists that is spoiled, and where it stands between the others. */
export const lookingFor =
	(where: Where, what: 'lostJob' | 'earlierJob') =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, where);
		const isLost = what === 'lostJob';
		// Until there is one to be found.
		if (!isLost) await kling.run([{}], upscale({ ...kling.source, wait: 'none' }));
		kling.sandbox.requests.length = 0;
		kling.spoil();
		if (isLost) kling.addFault({ ...POST_UPSCALE, kind: 'resetAfter' });
		const parameters = upscale({ ...kling.source, options: { reuse: !isLost } });
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run([{}], parameters), succeeded),
		);
	};
