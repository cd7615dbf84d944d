import { Readable } from 'node:stream';

import { connect } from '../../../nodes/Kling/transport/client.ts';
import { n8nWith } from '../../support/fakes.mts';

/**
 * A request counts as never sent, and may be followed by another, only when the failure cannot have come later. The
 * errors are those of Node's sockets, wrapped as n8n and axios wrap them.
 */
async function outcomeOf(cause: object): Promise<string> {
	const axios = Object.assign(new Error('axios'), { cause });
	const serve = () => Object.assign(new Error('n8n'), { cause: axios });
	const api = await connect(n8nWith({ serve }));
	return (await api.submit('upscale', { task_id: '1', workId: '2' })).outcome;
}

test.each([
	['refused', { code: 'ECONNREFUSED', syscall: 'connect' }],
	['no such host', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
	['no way there', { code: 'EHOSTUNREACH', syscall: 'connect' }],
	['too slow to connect', { code: 'ETIMEDOUT', syscall: 'connect' }],
	['a certificate nobody trusts', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
	['an address that n8n refuses', { name: 'SsrfBlockedIpError' }],
])('never sent: %s', async (_name, cause) => expect(await outcomeOf(cause)).toBe('unsent'));

test.each([
	['the network went away while waiting', { code: 'EHOSTUNREACH', syscall: 'read' }],
	['the same, of the whole network', { code: 'ENETUNREACH', syscall: 'read' }],
	['cut off', { code: 'ECONNRESET', syscall: 'read' }],
	['no answer in time', { code: 'ETIMEDOUT', syscall: 'read' }],
	['given up by us', { code: 'ECONNABORTED' }],
	['without a code', {}],
])('unknown: %s', async (_name, cause) => expect(await outcomeOf(cause)).toBe('lost'));

test.each([{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, { code: 'ECONNREFUSED', syscall: 'connect' }])(
	'unknown: an answer had begun, whatever breaks it then: %p',
	async (cause) => {
		async function* half() {
			yield '{"task":';
			throw Object.assign(new Error('broken'), cause);
		}
		const api = await connect(n8nWith({ serve: () => ({ body: Readable.from(half()) }) }));
		const result = await api.submit('upscale', { task_id: '1', workId: '2' });
		expect(result).toEqual({ outcome: 'lost', reason: cause.code });
	},
);
