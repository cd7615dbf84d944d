import type { SandboxAccount, Settings, StatusName } from '../options.mts';
import type { Context } from '../state/context.mts';
import type { Task, Work } from '../state/tasks.mts';
import { isFinal } from '../state/tasks.mts';

/** The shapes the vendor documents, made from a task. Ids stay bigints until `toJson` writes them. */

const USER_ID = 12345;
const LIMIT = 10_000;
const SIGNED_UP = '2025-04-18T12:00:00.000Z';
/** Third-party clients know failed as any of 6, 7, 9, 50, 53, 54, 58; the sandbox says 6. */
const STATUS: Record<StatusName, number> = { submitted: 5, processing: 10, succeed: 99, failed: 6 };

/** JSON whose ids are plain numbers, exact even above 2^53. The mark is no text that JSON could hold raw. */
export function toJson(value: unknown): string {
	const marked = JSON.stringify(
		value,
		function (this: Record<string, unknown>, key, field: unknown) {
			// Not `field`: n8n's libraries, loaded beside the sandbox by some tests, give bigints a toJSON of their own.
			const own = this[key];
			return typeof own === 'bigint' ? `\u0000${own}` : field;
		},
	);
	return marked.replaceAll(/"\\u0000(\d+)"/g, '$1');
}

function statusFields(name: StatusName) {
	return { status: STATUS[name], status_name: name, status_final: isFinal(name) };
}

/** assumes: list-tells-inputs, task-tells-inputs, enhance-tells-input-url */
function taskInfo({ type, inputs, args }: Task) {
	return {
		type,
		inputs: inputs.map(({ url, workId = null }) => ({
			name: 'input',
			inputType: 'URL',
			token: null,
			blobStorage: null,
			url,
			cover: null,
			fromWorkId: workId,
		})),
		arguments: Object.entries(args).map(([name, value]) => ({ name, value })),
		extraArgs: {},
		callbackPayloads: [],
		scene: 'NORMAL_CREATION',
	};
}

function workModel(task: Task, work: Work, cdnUrl: string) {
	const resource = {
		resource: work.path && cdnUrl + work.path,
		height: work.height,
		width: work.width,
		duration: 0,
		resourceKey: '',
	};
	return {
		workId: work.workId,
		workItemId: 0,
		taskId: task.id,
		userId: USER_ID,
		type: task.type,
		...statusFields(task.statusName),
		contentType: work.contentType,
		resource,
		cover: resource,
		starNum: 0,
		cloneCount: 0,
		reportNum: 0,
		createTime: task.createTime,
		taskInfo: taskInfo(task),
		selfAttitude: 'unknown',
		selfComment: { rate: 0, tags: [], content: '' },
	};
}

function timesOf({ createTime, updateTime }: Task, times: Settings['taskTimes']) {
	switch (times) {
		case 'right':
			return { createTime, updateTime };
		case 'moving':
			return { createTime, updateTime: Date.now() };
		case 'missing':
			return {};
		case 'doubled':
			return { createTime, updateTime: createTime + 2 * (updateTime - createTime) };
	}
}

/** The answer to a job's POST and to GET /tasks/{task_id}, and the body of a callback. */
export function taskModel({ cdnUrl, settings, balances }: Context, task: Task) {
	// assumes: user-points
	const points = settings.tellsPoints && task.email ? balances.points(task.email) : [];
	return {
		task: {
			id: task.id,
			userId: USER_ID,
			type: task.type,
			scene: 'NORMAL_CREATION',
			...statusFields(task.statusName),
			taskInfo: taskInfo(task),
			favored: false,
			deleted: false,
			viewed: false,
			...timesOf(task, settings.taskTimes),
		},
		works: task.works.map((work) => workModel(task, work, cdnUrl)),
		...statusFields(task.statusName),
		// "success" is what the vendor's GET /tasks/{task_id} page shows for a task that succeeded.
		message: task.message ?? (task.statusName === 'succeed' ? 'success' : ''),
		...(task.error === undefined ? {} : { error: task.error }),
		// assumes: eta-time
		...(settings.tellsEta && {
			etaTime: isFinal(task.statusName) ? 0 : task.createTime + settings.jobMs,
		}),
		limitation: { type: task.type, remaining: LIMIT, limit: LIMIT },
		userPoints: { points, total: points.reduce((sum, { balance }) => sum + balance, 0) },
		userTickets: { ticket: [] },
		editProject: null,
	};
}

/** assumes: scheduler */
export function schedulerItem(task: Task) {
	const seconds = Math.floor((Date.now() - task.createTime) / 1000);
	const two = (number: number) => String(number).padStart(2, '0');
	return {
		id: task.id,
		email: task.email,
		started: new Date(task.createTime).toISOString(),
		elapsed: `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`,
		replyUrl: task.replyUrl,
		replyRef: task.replyRef,
	};
}

/** One of GET /accounts. */
export function klingAccount({ email, maxJobs }: SandboxAccount) {
	const session = {
		userId: 'user12345',
		ExpireTime: 2_000_000_000,
		ExpireTimeUTC: new Date(2_000_000_000_000).toISOString(),
	};
	return { email, session, maxJobs, password: '…secured…' };
}

export function userAccount({ accounts, subscription }: Settings) {
	const total = accounts.length;
	return {
		id: USER_ID,
		email: 'user@example.com',
		created: SIGNED_UP,
		name: 'Sandbox',
		subscriptionIsActive: subscription,
		subscriptions: subscription ? 1 : 0,
		maxAccountsPerAPI: 3,
		accounts: total > 0 ? { 'Kling API': { total, active: total, error: 0 } } : {},
		verified: SIGNED_UP,
		sub: '250418',
	};
}
