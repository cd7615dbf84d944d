import { see, stage, withFiles, withTls, type Seen, type Trial } from '../fault-stage.mts';
import { upscale } from '../kling.mts';
import { GET_TASK, GET_CLEAN_FILE, GET_FILE } from './where.mts';

/** The files of a result are fetched. */

const NEW_FILE = '/results/500000011.png';

export async function fetchingTheCleanFile(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_CLEAN_FILE);
	kling.spoil();
	const options = { withoutWatermark: true };
	const parameters = upscale({ ...kling.source, download: true, options });
	return see(kling, await kling.run([{}], parameters), withFiles);
}

export async function fetchingTheFile(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_FILE);
	if (trial.fault === 'redirect') {
		kling.addFault({ ...GET_FILE, kind: 'redirect', headers: { location: NEW_FILE } });
	} else if (trial.fault !== 'tls') kling.spoil();
	const run = async () =>
		see(kling, await kling.run([{}], upscale({ ...kling.source, download: true })), withFiles);
	if (trial.fault !== 'tls') return await run();
	return await withTls(async (url, connections) => {
		const works = [{ workId: 1, contentType: 'image', resource: { resource: `${url}/a.png` } }];
		const body = { task: { id: 500000010 }, works, status_name: 'succeed', status_final: true };
		kling.addFault({ ...GET_TASK, kind: 'json', body });
		const seen = await run();
		return { ...seen, asked: connections() };
	});
}
