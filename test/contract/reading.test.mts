import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { BUNDLED_PICTURES } from '../../sandbox/options.mts';
import type { Sandbox } from '../../sandbox/server.mts';
import account from './documented/account.200.json';
import accounts from './documented/accounts.200.json';
import download from './documented/download.200.json';
import model from './documented/model.json';
import available from './documented/scheduler-available.200.json';
import scheduler from './documented/scheduler.200.json';
import type { Json } from './support/documented.mts';
import {
	call,
	differences,
	EMAIL,
	misfits,
	SOURCE,
	startDocumented,
	TASK,
	upscale,
	WORK,
} from './support/documented.mts';

/** The calls that only read, and the folder of pictures. */

let sandbox: Sandbox;
afterEach(async () => await sandbox.close());

async function read(path: string): Promise<Json> {
	const { status, body } = await call(sandbox, path);
	expect([path, status]).toEqual([path, 200]);
	return body;
}

test('the useapi.net account', async () => {
	sandbox = await startDocumented();
	const counts = ['total', 'active', 'error'].map((field) => `accounts.Kling API.${field}`);
	const mayDiffer = ['id', 'email', 'created', 'name', 'verified', 'sub', ...counts];
	expect(differences(await read('/v2/account'), account, mayDiffer)).toEqual([]);
});

test('the Kling accounts, and 404 in plain text when there is none', async () => {
	sandbox = await startDocumented();
	const body = await read('/v1/kling/accounts');
	expect(Object.keys(body)).toEqual([EMAIL]);
	const session = ['userId', 'ExpireTime', 'ExpireTimeUTC'].map((field) => `session.${field}`);
	const mayDiffer = ['email', 'maxJobs', ...session];
	expect(differences(body[EMAIL], accounts['<email>'], mayDiffer)).toEqual([]);

	sandbox.settings.accounts = [];
	const none = await call(sandbox, '/v1/kling/accounts');
	expect([none.status, none.text]).toEqual([404, expect.stringContaining('POST /accounts')]);
	expect((await upscale(sandbox)).status).toBe(404);
});

test('the scheduler shows running jobs', async () => {
	sandbox = await startDocumented({ jobMs: 60_000 });
	expect(await read('/v1/kling/scheduler')).toEqual([]);
	await upscale(sandbox, { ...SOURCE, replyUrl: 'http://127.0.0.1:9/x', replyRef: 'ref' });
	const fields = ['id', 'email', 'started', 'elapsed', 'replyUrl', 'replyRef'];
	const items = fields.map((field) => `0.${field}`);
	const running = await read('/v1/kling/scheduler');
	expect(differences(running, scheduler, items)).toEqual([]);
	expect(running[0]).toMatchObject({ email: EMAIL, elapsed: '00:00', replyRef: 'ref' });
	const mayDiffer = [...items.map((item) => `executing.${item}`), 'available.0.email'];
	const free = await read('/v1/kling/scheduler/available');
	expect(differences(free, available, mayDiffer)).toEqual([]);
});

test('the tasks: newest first, by pages in both directions, by kind', async () => {
	const seeds = [1, 2, 3, 4, 5].map((n) => ({
		taskId: `20000000${n}`,
		workId: `30000000${n}`,
		createTime: 1_700_000_000_000 + n,
		contentType: n === 3 ? ('video' as const) : ('image' as const),
	}));
	seeds.push({ ...seeds[0], taskId: '200000009', withoutWorks: true } as (typeof seeds)[0]);
	sandbox = await startDocumented({ seeds });
	const ids = async (query: string) =>
		(await read(`/v1/kling/tasks/?${query}`)).history.map(
			({ works }: Json) => works[0].taskId % 100_000_000,
		);
	const before = `createdBefore=${1_700_000_000_006}`;
	expect(await ids(before)).toEqual([5, 4, 3, 2, 1]);
	expect(await ids(`${before}&pageSize=2`)).toEqual([5, 4]);
	expect(await ids(`createdBefore=${1_700_000_000_004}&pageSize=2`)).toEqual([3, 2]);
	expect(await ids(`${before}&contentType=image`)).toEqual([5, 4, 2, 1]);
	expect(await ids(`${before}&contentType=video`)).toEqual([3]);
	expect(await ids('contentType=audio')).toEqual([]);
	expect(await ids(`createdAfter=${1_700_000_000_002}&pageSize=2`)).toEqual([4, 3]);
	for (const query of [`${before}&createdAfter=1`, 'contentType=text', 'pageSize=x']) {
		expect((await call(sandbox, `/v1/kling/tasks?${query}`)).status).toBe(400);
	}
	const first = (await read(`/v1/kling/tasks?createdAfter=${1_700_000_000_005}`)).history;
	expect(first.at(0).works[0].taskId).toBe(Number(TASK));
});

test('the tasks: what the page leaves open is as the settings say', async () => {
	const seeds = [1, 2, 3].map((n) => ({
		taskId: `20000000${n}`,
		createTime: 1_700_000_000_000 + n,
		status: n === 3 ? ('failed' as const) : ('succeed' as const),
	}));
	sandbox = await startDocumented({
		seeds,
		listPageLimit: 2,
		listTakesInMoment: true,
		listWholeModels: true,
	});
	const list = async (moment: string) =>
		(await read(`/v1/kling/tasks?${moment}&pageSize=50`)).history.map(({ task }: Json) => task.id);
	expect(await list(`createdBefore=${1_700_000_000_003}`)).toEqual([200_000_003, 200_000_002]);
	expect(await list(`createdBefore=${1_700_000_000_001}`)).toContain(200_000_001);
	const [newest] = (await read('/v1/kling/tasks')).history;
	expect(misfits({ ...newest, works: [] }, model)).toEqual([]);
	sandbox.settings.listTakesInMoment = false;
	sandbox.settings.listPageLimit = 200;
	const after = await list(`createdAfter=${1_700_000_000_002}`);
	expect(after.slice(-1)).toEqual([200_000_003]);
	sandbox.settings.listTakesInMoment = true;
	expect((await list(`createdAfter=${1_700_000_000_002}`)).slice(-1)).toEqual([200_000_002]);
});

test('the file without watermark, on a paid plan only', async () => {
	sandbox = await startDocumented();
	const path = `/v1/kling/assets/download?email=${EMAIL}&workIds=${WORK}`;
	const body = await read(`${path}&fileTypes=PNG`);
	expect(differences(body, download, ['cdnUrl'])).toEqual([]);
	const file = await (await fetch(body.cdnUrl)).arrayBuffer();
	expect((await sharp(file).metadata()).format).toBe('png');
	for (const wrong of ['/v1/kling/assets/download', `${path}&fileTypes=GIF`, path]) {
		expect((await call(sandbox, wrong)).status).toBe(400);
	}
	sandbox.settings.accounts = [{ email: EMAIL, maxJobs: 5, paid: false }];
	expect((await call(sandbox, `${path}&fileTypes=PNG`)).status).toBe(403);
});

describe('the pictures folder', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'sandbox-pictures-'));
		await copyFile(join(BUNDLED_PICTURES, 'lighthouse.jpg'), join(folder, 'lighthouse.jpg'));
		sandbox = await startDocumented({ picturesFolder: folder });
	});
	afterEach(async () => await rm(folder, { recursive: true }));

	test('a file dropped into it appears, a broken one does no harm', async () => {
		const before = (await sandbox.tasks()).map(({ taskId }) => taskId);
		await copyFile(join(BUNDLED_PICTURES, 'mountain-lake.png'), join(folder, 'my own.PNG'));
		await writeFile(join(folder, 'broken.jpg'), 'no picture at all');
		await writeFile(join(folder, 'notes.txt'), 'no picture either');
		const after = await sandbox.tasks();
		const [own, ...others] = after.filter(({ taskId }) => !before.includes(taskId));
		expect(others).toEqual([]);
		expect(own).toMatchObject({ name: 'my own', status: 'succeed' });
		const source = { task_id: own.taskId, workId: own.workIds[0] };
		expect((await upscale(sandbox, source)).status).toBe(200);
	});

	test('ids come from the names alone', async () => {
		const bundled = await startDocumented();
		const there = await bundled.tasks();
		const here = await sandbox.tasks();
		await bundled.close();
		const lighthouse = here.find(({ name }) => name === 'lighthouse');
		expect(lighthouse?.taskId).toMatch(/^\d{9}$/);
		expect(there).toContainEqual(lighthouse);
		const set = there.find(({ name }) => name === 'harbour set');
		expect(new Set(set?.workIds).size).toBe(3);
	});

	test('names say what upscaling leads to', async () => {
		for (const name of ['forbidden.jpg', 'this-fails.jpg']) {
			await copyFile(join(BUNDLED_PICTURES, 'lighthouse.jpg'), join(folder, name));
		}
		const tasks = await sandbox.tasks();
		const post = async (name: string) => {
			const task = tasks.find((candidate) => candidate.name === name);
			return await upscale(sandbox, { task_id: task?.taskId, workId: task?.workIds[0] });
		};
		expect((await post('forbidden')).status).toBe(500);
		expect((await post('this fails')).status).toBe(200);
	});
});
