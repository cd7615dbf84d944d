// The image files.
import { imageType } from '../../../nodes/Kling/job/fileType.ts';
import { record } from '../../../nodes/Kling/job/result.ts';
import { isPrivate } from '../../../nodes/Kling/transport/hosts.ts';
import {
	API_DOC,
	confirmed,
	judge,
	judgeStatus,
	NEEDS_TASK,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
} from '../assumption.mts';
import { told, type FileAnswer } from '../seen.mts';

const DOWNLOAD = 'nodes/Kling/job/download.ts';
const FILE = 'nodes/Kling/transport/file.ts';

const hostOf = ({ url }: FileAnswer) => new URL(url).host;
const bytesOf = ({ firstBytes }: FileAnswer) =>
	Buffer.from(firstBytes.subarray(0, 4)).toString('hex');

export const fileAssumptions: Assumption[] = [
	{
		id: 'file-host',
		text: 'Result files are on another host than the API.',
		mark: 'T',
		source: { file: API_DOC, words: 'Result URLs are on another host than the API' },
		builtOn: { file: FILE, words: 'These are on another host than the API' },
		check(seen) {
			if (seen.files.length === 0) return unseen(NEEDS_TASK);
			const { host } = new URL(seen.baseUrl);
			const hosts = [...new Set(seen.files.map(hostOf))];
			return judge(!hosts.includes(host), `files on ${hosts.join(', ')}, the API on ${host}`);
		},
	},
	{
		id: 'file-without-token',
		text: 'Result files need no token.',
		mark: 'T',
		source: { file: API_DOC, words: 'need no token' },
		builtOn: { file: FILE, words: 'request of the package without authentication' },
		check(seen) {
			const file = seen.file('source');
			return file ? judge(file.status === 200, `HTTP ${file.status}`) : unseen(NEEDS_TASK);
		},
	},
	{
		id: 'file-content-type',
		text: 'The Content-Type of a result file cannot be trusted.',
		mark: 'T',
		source: { file: API_DOC, words: 'their Content-Type cannot be trusted (T)' },
		builtOn: { file: 'nodes/Kling/job/fileType.ts', words: 'the Content-Type header "cannot be' },
		check(seen) {
			const files = seen.files.filter(({ status }) => status === 200);
			const told = files.map((file) => {
				const type = imageType(file.firstBytes, '')?.mimeType ?? 'no image';
				return { file, type, right: file.contentType.startsWith(type) };
			});
			const wrong = told.find(({ right }) => !right);
			if (wrong) return confirmed(`"${wrong.file.contentType}" for a file that is ${wrong.type}`);
			return files.length > 0
				? unseen(`it was right for ${files.length} files, which proves nothing`)
				: unseen(NEEDS_TASK);
		},
	},
	{
		id: 'file-type',
		text: 'The first bytes of a result file tell its type: PNG, JPEG, WebP or GIF.',
		mark: 'own',
		source: { file: 'nodes/Kling/job/fileType.ts', words: 'by its own first bytes' },
		builtOn: { file: 'nodes/Kling/job/fileType.ts', words: 'const SIGNATURES' },
		check(seen) {
			const files = ['source', 'result'] as const;
			const found = files.flatMap((name) => seen.file(name) ?? []);
			const good = found.filter(({ status }) => status === 200);
			if (good.length === 0) return unseen(NEEDS_TASK);
			const other = good.find(({ firstBytes }) => !imageType(firstBytes, ''));
			if (other) return refuted(`a file begins with the bytes ${bytesOf(other)}`);
			const types = good.map(({ firstBytes }) => imageType(firstBytes, '')?.extension);
			return confirmed(types.join(', '));
		},
	},
	{
		id: 'file-https',
		text: 'Links of a public API are https addresses on the internet.',
		mark: 'own',
		source: { file: FILE, words: 'from a public API only public https addresses' },
		builtOn: { file: FILE, words: "protocol === 'https:' && !isPrivate(url)" },
		check(seen) {
			if (isPrivate(seen.baseUrl)) return unseen('this API is not a public one');
			if (seen.files.length === 0) return unseen(NEEDS_TASK);
			const odd = seen.files.find(({ url }) => !url.startsWith('https:') || isPrivate(url));
			return odd ? refuted(new URL(odd.url).origin) : confirmed(`${seen.files.length} links`);
		},
	},
	{
		id: 'clean-file',
		text: 'GET /v1/kling/assets/download answers with a cdnUrl.',
		mark: 'D',
		source: { file: API_DOC, words: '`{cdnUrl, status:"success"}`' },
		builtOn: { file: DOWNLOAD, words: 'record(got.body).cdnUrl' },
		check(seen) {
			const answer = seen.get('cleanFile');
			if (answer?.status !== 200) return unseen('needs a paid Kling plan');
			const { cdnUrl, status } = record(answer.body);
			return judge(
				typeof cdnUrl === 'string' && cdnUrl.startsWith('http'),
				`status ${JSON.stringify(status)}, cdnUrl a ${typeof cdnUrl}`,
			);
		},
	},
	{
		id: 'clean-file-is-image',
		text: 'One workId with one file type gives the file itself, not a .zip.',
		mark: 'D',
		source: { file: API_DOC, words: 'one workId with one fileType gives the file itself' },
		builtOn: { file: 'nodes/Kling/transport/client.ts', words: "fileTypes: 'PNG'" },
		check(seen) {
			const file = seen.file('clean');
			if (file?.status !== 200) return unseen('needs a paid Kling plan');
			const type = imageType(file.firstBytes, '')?.extension;
			return judge(type !== undefined, type ?? `it begins with the bytes ${bytesOf(file)}`);
		},
	},
	{
		id: 'clean-file-403',
		text: 'An account without a paid plan gets a 403 for a clean file.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'An account without a paid plan gets a 403' },
		builtOn: { file: 'sandbox/api.mts', words: 'new ApiError(403' },
		check(seen) {
			const answer = seen.get('cleanFile');
			if (!answer) return unseen(NEEDS_TASK);
			if (answer.status === 200) return unseen('needs an account without a paid plan');
			// The work may be too old, or its file gone.
			return answer.status === 404 ? unseen(told(answer)) : judgeStatus(answer, 403);
		},
	},
];
