import { UseApiNetApi } from '../../credentials/UseApiNetApi.credentials.ts';
import { CREDENTIAL } from '../../nodes/Kling/transport/credential.ts';

/** What n8n does with the credential by itself; its fields are looked at in the real editor. */

const opened = () => new UseApiNetApi();

test('goes by the name that the node asks for, and is explained', () => {
	expect(opened().name).toBe(CREDENTIAL);
	expect(opened().displayName).toBe('useapi.net API');
	expect(URL.canParse(opened().documentationUrl)).toBe(true);
});

test('puts the token into a header and nowhere else', () => {
	expect(opened().authenticate).toEqual({
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{ $credentials.apiToken.trim() }}' } },
	});
});

test('is tested by a call that spends nothing and takes the token to no other host', () => {
	expect(opened().test.request).toMatchObject({
		url: '/v2/account',
		disableFollowRedirect: true,
	});
	expect(opened().test.request.method).toBeUndefined();
});

test('tells a wrong token from a subscription that has ended', () => {
	expect(opened().test.rules).toEqual([
		{
			type: 'responseCode',
			properties: { value: 401, message: expect.stringMatching(/^The API token was refused/) },
		},
		{
			type: 'responseSuccessBody',
			properties: {
				key: 'subscriptionIsActive',
				value: false,
				message: expect.stringMatching(/no active subscription/),
			},
		},
	]);
});
