import { PaidParameters } from '../../../nodes/Kling/actions/image/paidParameters.ts';
import { Parameters } from '../../../nodes/Kling/actions/parameters.ts';
import { ListParameters } from '../../../nodes/Kling/actions/task/listParameters.ts';
import { n8nWith } from '../../support/fakes.mts';

/** The node's fields as they are read, each by a function. */

export const PUBLIC = 'https://api.useapi.net';
export const LOCAL = 'http://127.0.0.1:4010';

export function parametersOf(
	values: Record<string, unknown>,
	{ type = 'kling', resumeUrl = '', baseUrl = PUBLIC } = {},
) {
	const n8n = n8nWith(
		{ node: { type }, parameters: values },
		{
			getTimezone: () => 'UTC',
			evaluateExpression: (expression: string) =>
				expression === '{{ $execution.resumeUrl }}' ? resumeUrl : undefined,
		},
	);
	return {
		all: new Parameters(n8n, 3),
		list: new ListParameters(n8n, 3),
		paid: new PaidParameters(n8n, 3, baseUrl),
		local: new PaidParameters(n8n, 3, LOCAL),
	};
}

export type Read = (parameters: ReturnType<typeof parametersOf>) => unknown;

export const id: Read = ({ all }) => all.id('taskId', 'Task');
export const account: Read = ({ all }) => all.account();
export const timeout: Read = ({ all }) => all.timeoutMs();
export const pause: Read = ({ paid }) => paid.pauseLimitMs();
export const interval: Read = ({ all }) => all.pollIntervalMs();
export const maxJobs: Read = ({ paid }) => paid.maxJobs();
export const limit: Read = ({ list }) => list.limit();
export const kind: Read = ({ list }) => list.contentType();
export const times: Read = ({ list }) => list.timeWindow();
export const wait: Read = ({ all }) => all.wait();
export const output: Read = ({ all }) => all.output();
export const upscaleOutput: Read = ({ all }) => all.output(['simplified', 'raw']);
export const replyRef: Read = ({ paid }) => paid.replyRef();
export const replyUrl: Read = ({ paid }) => paid.replyUrl();
export const localReplyUrl: Read = ({ local }) => local.replyUrl();

export const MARCH = Date.UTC(2026, 2, 1);
