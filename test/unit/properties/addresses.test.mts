import { BlockList } from 'node:net';
import { dirname } from 'node:path';

import fc from 'fast-check';

import { openFile } from '../../../nodes/Kling/transport/fileClient.ts';
import { isPrivate } from '../../../nodes/Kling/transport/hosts.ts';
import { n8nWith } from '../../support/fakes.mts';
import { anyText, RUNS } from '../support/arbitraries.mts';

/**
 * What holds for every input, tried with hundreds of made-up ones each time. When one breaks it, fast-check prints the
 * smallest that does, and the seed that brings it back.
 */

describe('addresses', () => {
	/** What n8n's own protection forbids when it is switched on. */
	const { SSRF_DEFAULT_BLOCKED_IP_RANGES } = require(
		require.resolve('@n8n/config', { paths: [dirname(require.resolve('n8n-core'))] }),
	) as { SSRF_DEFAULT_BLOCKED_IP_RANGES: string[] };
	const blocked = new BlockList();
	for (const range of SSRF_DEFAULT_BLOCKED_IP_RANGES) {
		const [address, bits] = range.split('/');
		blocked.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
	}
	const octets = fc.oneof(
		fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
		fc.tuple(
			fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203),
			fc.oneof(fc.nat(255), fc.constantFrom(0, 16, 18, 31, 51, 64, 168, 254)),
			fc.oneof(fc.nat(255), fc.constantFrom(0, 2, 100, 113)),
			fc.nat(255),
		),
	);

	test('that n8n itself would forbid are private, however they are written', () =>
		fc.assert(
			fc.property(octets, fc.nat(4), ([a, b, c, d], form) => {
				const dotted = `${a}.${b}.${c}.${d}`;
				const number = ((a * 256 + b) * 256 + c) * 256 + d;
				const host = [
					dotted,
					`${dotted}.`,
					String(number),
					`0x${number.toString(16)}`,
					`[::ffff:${dotted}]`,
				][form];
				if (blocked.check(dotted)) expect(isPrivate(`https://${host}/`)).toBe(true);
			}),
			{ numRuns: 2_000 },
		));

	test('of every kind: none is asked that is not public and https', () =>
		fc.assert(
			fc.asyncProperty(
				fc.array(
					fc.oneof(
						fc.webUrl(),
						fc.webUrl({ validSchemes: ['http', 'ftp', 'file'] }),
						octets.map((four) => `https://${four.join('.')}/`),
						fc.domain().map((domain) => `https://${domain}/`),
						fc.constantFrom('//localhost/', 'https:localhost', '\\\\localhost\\', '/a', '?'),
						anyText,
					),
					{ minLength: 1, maxLength: 8 },
				),
				async ([first, ...redirects]) => {
					const asked: string[] = [];
					const context = n8nWith({
						serve({ url }) {
							asked.push(url);
							return { statusCode: 302, headers: { location: redirects.shift() } };
						},
					});
					const { signal } = new AbortController();
					const opened = await openFile(context, first, 'https://api.useapi.example', signal);
					expect(opened).toEqual({ reason: expect.any(String), lasting: true });
					expect(asked.length).toBeLessThanOrEqual(6);
					for (const url of asked) {
						expect(new URL(url).protocol).toBe('https:');
						expect(isPrivate(url)).toBe(false);
					}
				},
			),
			RUNS,
		));
});
