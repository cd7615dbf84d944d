import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

/** The bearer token of a useapi.net account. The token stays in n8n's credential store and in the Authorization header. */
export class UseApiNetApi implements ICredentialType {
	name = 'useApiNetApi';

	displayName = 'useapi.net API';

	icon: Icon = { light: 'file:useApiNet.svg', dark: 'file:useApiNet.dark.svg' };

	documentationUrl = 'https://useapi.net/docs/start-here/setup-useapi';

	properties: INodeProperties[] = [
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			placeholder: 'e.g. user:1234-abcdefhijklmnopqrstuv',
			description:
				'The whole token from useapi.net, including <code>user:</code> and the number after it',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.useapi.net',
			description: 'Change this only to try the sandbox of this package or to go through a proxy',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: {
			headers: {
				Authorization: '=Bearer {{ $credentials.apiToken.trim() }}',
			},
		},
	};

	// GET /v2/account is documented to answer 401 on a bad token and to tell whether the subscription is active.
	test: ICredentialTestRequest = {
		request: {
			// The same tolerance for a trailing slash or /v1 as normalizeBaseUrl in the node's transport. A token does not go
			// through the internet unencrypted: plain http is for this machine and private networks.
			baseURL:
				'={{ $credentials.baseUrl.trim().replace(/\\/+(v1\\/*)?$/, "").replace(/^http:\\/\\/(?!((127|10|192\\.168|172\\.(1[6-9]|2\\d|3[01]))\\.[\\d.]+|\\[[^\\]@]*\\]|[^.\\/:@]+)(:\\d+)?(\\/|$))/i, "https://") }}',
			url: '/v2/account',
			// A token is not for other hosts, wherever a redirect may point.
			disableFollowRedirect: true,
		},
		// n8n goes through the rules one by one and takes both kinds together; only its type asks for a single kind.
		rules: [
			{
				type: 'responseCode',
				properties: {
					// assumes: wrong-token
					value: 401,
					message:
						'The API token was refused. Copy the whole token again from useapi.net, including "user:" at its start.',
				},
			},
			{
				type: 'responseSuccessBody',
				properties: {
					// assumes: account
					key: 'subscriptionIsActive',
					value: false,
					message:
						'The API token is right, but this useapi.net account has no active subscription. Subscribe at https://useapi.net/docs/subscription.',
				},
			},
		] as unknown as ICredentialTestRequest['rules'],
	};
}
