// The questions that only read. They cost nothing.
import { record } from '../../nodes/Kling/job/result.ts';
import { UserError } from '../../tools/terminal.mts';
import type { LiveApi } from './api.mts';
import { entriesOf, newestImageTask } from './history.mts';
import type { Seen } from './seen.mts';

const TASKS = '/v1/kling/tasks';
const WRONG_TOKEN = 'user:0-this-token-is-wrong-on-purpose';
/** No task of this account, and nobody's account. */
const UNKNOWN_TASK = '1';
const UNKNOWN_EMAIL = 'nobody@example.com';
const PAGE_SIZE = '50';

/** The Kling account that is asked about; `undefined` when it is the only one and need not be named. */
export type Email = string | undefined;

/**
 * Asks everything that can be asked for nothing.
 *
 * @param wanted the account to choose where there are several
 * @throws UserError when the token is wrong, no answer comes, or the account does not exist
 */
export async function readAll(api: LiveApi, seen: Seen, wanted: Email): Promise<Email> {
	await readAccount(api, seen);
	const email = chooseEmail(seen.accounts, wanted);
	const forAccount: Record<string, string> = email ? { email } : {};
	await api.get('scheduler', '/v1/kling/scheduler');
	await api.get('available', '/v1/kling/scheduler/available');
	// Without a Kling account these would be refused for that alone.
	if (seen.accounts.length === 0) return email;
	await api.get('unknownAccount', TASKS, { email: UNKNOWN_EMAIL, pageSize: '1' });
	await api.get('unknownTask', `${TASKS}/${UNKNOWN_TASK}`, forAccount);
	await readLists(api, seen, forAccount);
	await readTask(api, seen, email);
	return email;
}

async function readAccount(api: LiveApi, seen: Seen): Promise<void> {
	const { status, lost } = await api.get('account', '/v2/account');
	const { host } = new URL(seen.baseUrl);
	if (lost) throw new UserError(`No answer from ${host} (${lost}). Nothing could be checked.`);
	if (status === 401) {
		throw new UserError(
			`${host} refuses the token in USEAPI_TOKEN. Copy it again from useapi.net, whole, including "user:" at its start.`,
		);
	}
	await api.get('wrongToken', '/v2/account', {}, WRONG_TOKEN);
	await api.get('accounts', '/v1/kling/accounts');
	seen.accounts = Object.keys(seen.body('accounts') ?? {});
}

function chooseEmail(accounts: string[], wanted: Email): Email {
	if (!wanted) return accounts.length > 1 ? accounts[0] : undefined;
	if (accounts.length === 0 || accounts.includes(wanted)) return wanted;
	throw new UserError(
		`USEAPI_EMAIL names ${wanted}, but the connected Kling accounts are ${accounts.join(', ')}.`,
	);
}

/** The pickers' own request, then one for each thing that paging builds on. */
async function readLists(
	api: LiveApi,
	seen: Seen,
	forAccount: Record<string, string>,
): Promise<void> {
	const images = { ...forAccount, contentType: 'image' };
	await api.get('tasks', TASKS, { ...images, pageSize: PAGE_SIZE });
	await api.get('tasksPlain', TASKS, forAccount);
	await api.get('tasksOne', TASKS, { ...images, pageSize: '1' });
	const entries = entriesOf(seen, 'tasks');
	if (!entries) return;
	const times = entries.map(({ createTime }) => createTime).filter(Number.isFinite);
	const [newest, , third] = [...new Set(times)].sort((a, b) => b - a).map(String);
	const createdBefore = newest ?? String(Date.now());
	await api.get('tasksBothDates', TASKS, { ...images, createdBefore, createdAfter: '1' });
	if (!newest) return;
	await api.get('tasksBefore', TASKS, { ...images, createdBefore, pageSize: PAGE_SIZE });
	const oldest = String(Math.min(...times));
	await api.get('tasksOlder', TASKS, { ...images, createdBefore: oldest, pageSize: PAGE_SIZE });
	await api.get('tasksAfter', TASKS, { ...images, createdAfter: newest, pageSize: PAGE_SIZE });
	if (!third) return;
	await api.get('tasksAfterPage', TASKS, { ...images, createdAfter: third, pageSize: '1' });
}

/** The newest finished image task, and its files. */
async function readTask(api: LiveApi, seen: Seen, email: Email): Promise<void> {
	const entry = newestImageTask(seen);
	if (!entry?.taskId) return;
	const path = `${TASKS}/${entry.taskId}`;
	const forAccount: Record<string, string> = email ? { email } : {};
	await api.get('task', path, forAccount);
	await api.get('taskWithoutEmail', path);
	const other = email && seen.accounts.find((account) => account !== email);
	if (other) await api.get('taskOfOtherAccount', path, { email: other });

	const [{ workId = '', url }] = entry.images;
	await api.file('source', url);
	const clean = await api.get('cleanFile', '/v1/kling/assets/download', {
		...forAccount,
		workIds: workId,
		fileTypes: 'PNG',
	});
	const { cdnUrl } = record(clean.body);
	if (clean.status === 200 && typeof cdnUrl === 'string') await api.file('clean', cdnUrl);
}
