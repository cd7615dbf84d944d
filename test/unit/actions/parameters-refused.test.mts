import type { KlingError } from '../../../nodes/Kling/runtime/problems.ts';
import {
	id,
	account,
	timeout,
	pause,
	interval,
	maxJobs,
	limit,
	kind,
	times,
	wait,
	output,
	upscaleOutput,
	replyRef,
	replyUrl,
	MARCH,
	parametersOf,
	type Read,
} from '../support/parameters.mts';

/** Each field: what people read beyond its bounds. */

test.each<[string, Read, Record<string, unknown>, RegExp, RegExp]>([
	[
		'an ID past 2^53',
		id,
		{ taskId: 2 ** 53 },
		/^'Task' is too large/,
		/as text, e\.g\. with quotes/,
	],
	['no ID', id, { taskId: ' ' }, /^'Task' is empty$/, /enter its ID, e\.g\. {{ \$json\.taskId }}/],
	['letters', id, { taskId: '1x' }, /^'Task' must be .* digits, but is "1x"$/, /^Take the ID from/],
	['letters first', id, { taskId: 'x1' }, /but is "x1"$/, /another Kling node/],
	['no email', account, { account: 'me' }, /^'Account' must be .*, but is "me"$/, /connected to/],
	['two emails', account, { account: 'a@b c@d' }, /^'Account' must be/, /leave 'Account' empty/],
	['an email and more', account, { account: 'a@b@c' }, /^'Account' must be/, /^Use the email/],
	['no time at all', timeout, { 'options.timeout': 0 }, /^'Time Limit' .* at least 1, b/, /^Corr/],
	['a word', timeout, { 'options.timeout': 'long' }, /but is "long"$/, /remove the option/],
	[
		'a pause too short',
		pause,
		{ 'options.timeout': 59 },
		/from 60 to 2592000, but is "59"/,
		/Corr/,
	],
	['a pause too long', pause, { 'options.timeout': 2_592_001 }, /^'Time Limit' must be/, /Correct/],
	[
		'an interval too short',
		interval,
		{ 'options.pollInterval': 0.9 },
		/^'Poll I.* at least 1/,
		/C/,
	],
	['no job', maxJobs, { 'options.maxJobs': 0 }, /^'Max Jobs' .* from 1 to 50/, /Correct/],
	['51 jobs', maxJobs, { 'options.maxJobs': 51 }, /^'Max Jobs' .* from 1 to 50/, /Correct/],
	['half a job', maxJobs, { 'options.maxJobs': 1.5 }, /Jobs' must be a whole/, /can be 1 to 50/],
	['no limit', limit, { limit: 0 }, /^'Limit' must be a number of at least 1/, /Correct/],
	[
		'half a limit',
		limit,
		{ limit: 1.5 },
		/^'Limit' must be a whole number$/,
		/turn on 'Return All'/,
	],
	[
		'maybe',
		limit,
		{ returnAll: 'yes' },
		/^'Return All' must be true or false, but is "yes"/,
		/^Turn it on/,
	],
	[
		'a kind',
		kind,
		{ 'filters.contentType': 'text' },
		/^'Content Type' .* video, audio, all, b/,
		/Choose/,
	],
	[
		'a date',
		times,
		{ 'filters.createdAfter': 'x' },
		/^'Created After' is not cle.*: "x"/,
		/date picker/,
	],
	[
		'a day',
		times,
		{ 'filters.createdBefore': 'x' },
		/^'Created Before' is not clearly/,
		/2026-03-01T/,
	],
	[
		'times that are one',
		times,
		{ 'filters.createdAfter': MARCH, 'filters.createdBefore': MARCH },
		/^'Created After' must be earlier/,
		/after 2026-03-01T00:00:00\.000Z and before 2026/,
	],
	[
		'a way to wait',
		wait,
		{ wait: 'x' },
		/^'Wait for Result' must be one of none, poll, callback, b/,
		/Choose/,
	],
	[
		'an output',
		upscaleOutput,
		{ output: 'images' },
		/^'Output' must be one of simplified, raw, but/,
		/list/,
	],
	[
		'a download',
		output,
		{ download: 'x' },
		/^'Download Image' must be true or false/,
		/Turn it on/,
	],
	[
		'a watermark',
		output,
		{ download: true, 'options.withoutWatermark': 'x' },
		/^'Without Watermark' must be true/,
		/give true or false/,
	],
	[
		'a field without a name',
		output,
		{ download: true, binaryPropertyName: '' },
		/^'Put Output File in Field' is empty$/,
		/e\.g\. data/,
	],
	[
		'a reference too long',
		replyRef,
		{ 'options.replyRef': 'x'.repeat(1_025) },
		/^'Reply Reference' is too long: 1025 characters$/,
		/at most 1024\./,
	],
	[
		'an address too long',
		replyUrl,
		{ replyUrl: 'x'.repeat(1_025) },
		/^'Reply URL' is too long/,
		/1024/,
	],
	[
		'no address',
		replyUrl,
		{ replyUrl: 'n8n.example' },
		/is not a web address: "n8n\.e/,
		/Production/,
	],
	[
		'another protocol',
		replyUrl,
		{ replyUrl: 'ftp://n8n.example' },
		/is not a web address/,
		/https/,
	],
	[
		'a text with one',
		replyUrl,
		{ replyUrl: 'at https://n8n.example' },
		/is not a web add/,
		/https/,
	],
	['one within', replyUrl, { replyUrl: 'ftp://a.b/https://c.d' }, /is not a web address/, /https/],
	['no host', replyUrl, { replyUrl: 'https:///a' }, /is not a web address/, /https/],
	[
		'a port beyond',
		replyUrl,
		{ replyUrl: 'https://n8n.example:99999' },
		/is not a web address/,
		/h/,
	],
	[
		'a local one',
		replyUrl,
		{ replyUrl: 'http://10.0.0.1/a' },
		/reach .*: 10\.0\.0\.1 is/,
		/WEBHOOK_/,
	],
])('refuses %s', (_name, read, values, message, description) => {
	let error: KlingError | undefined;
	try {
		read(parametersOf(values));
	} catch (thrown) {
		error = thrown as KlingError;
	}
	expect(error?.message).toMatch(message);
	expect(error?.description).toMatch(description);
	expect(error?.description).toMatch(/\. Nothing was sent\.$/);
	expect(error?.context.itemIndex).toBe(3);
});
