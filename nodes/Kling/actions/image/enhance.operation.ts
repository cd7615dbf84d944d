import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { readImageFile, type ImageFile } from '../../job/input/imageFile';
import { runJobs } from '../../job/runJobs';
import type { JobParameters } from '../../job/submission/attempt';
import { isTool, type Advise } from '../../runtime/problems';
import type { EnhanceRequest } from '../../transport/types';
import { accountField, showFor } from '../fields';
import { asText } from '../parameters';
import { paidFields } from './paidFields';
import { PaidParameters } from './paidParameters';

const SOURCES = ['binary', 'url'] as const;
const RESOLUTIONS = ['2k', '4k'] as const;

export const description: INodeProperties[] = showFor('image', 'enhance', [
	accountField,
	{
		displayName: 'Image Source',
		name: 'imageSource',
		type: 'options',
		noDataExpression: true,
		default: 'binary',
		options: [
			{
				name: 'Binary File',
				value: 'binary',
				description: 'A file that the item has in a binary field',
			},
			{
				name: 'URL',
				value: 'url',
				description: 'A link to the image',
			},
		],
		// An agent has no files.
		displayOptions: { hide: { '@tool': [true] } },
	},
	{
		displayName: 'Input Binary Field',
		name: 'inputBinaryField',
		type: 'string',
		default: 'data',
		required: true,
		placeholder: 'e.g. data',
		hint: 'The name of the input field that has the file',
		description: 'A PNG or JPEG of at most 10 MB and at least 300 pixels on each side',
		displayOptions: { show: { imageSource: ['binary'] }, hide: { '@tool': [true] } },
	},
	// n8n has no "or" for when to show a field.
	...[
		{ show: { imageSource: ['url'] }, hide: { '@tool': [true] } },
		{ show: { '@tool': [true] } },
	].map(
		(displayOptions): INodeProperties => ({
			displayName: 'Image URL',
			name: 'imageUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. https://example.com/image.jpg',
			description: 'A link that opens the image itself, without signing in',
			displayOptions,
		}),
	),
	{
		displayName: 'Resolution',
		name: 'resolution',
		type: 'options',
		default: '2k',
		description: 'How large the result gets. It also depends on the size of the image.',
		options: [
			{ name: '2K (1 Credit)', value: '2k' },
			{ name: '4K (2 Credits)', value: '4k' },
		],
	},
	...paidFields(),
]);

/** Sends every item's job and then waits for all results together, as Wait for Result says. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runJobs(
		n8n,
		async (itemIndex, { baseUrl }) => await readParameters(n8n, itemIndex, baseUrl),
		advise,
	);
}

export const advise: Advise = (status) =>
	({
		400: {
			description:
				"Check the image and 'Account'. With several Kling accounts connected to useapi.net, 'Account' must be filled in.",
		},
		404: {
			description:
				"Check 'Account': it must be the email of a Kling account that is connected to useapi.net.",
		},
		// assumes: enhance-cannot-fetch, moderation
		500: {
			description:
				'Often Kling could not open the image, or its moderation refused it: try another image, or one from a file. The job was sent once and is not sent again automatically.',
			forAgent:
				'Often Kling could not open the image, or its moderation refused it. Choose another link or another image: asking for this one again brings the same answer.',
		},
	})[status];

/** The link of the image, or the file that gets one. */
type Image = { link: string; file?: undefined } | { link?: undefined; file: ImageFile };

class EnhanceParameters extends PaidParameters {
	async image(): Promise<Image> {
		const isFile =
			!isTool(this.n8n.getNode()) &&
			this.choice('imageSource', 'Image Source', SOURCES) === 'binary';
		return isFile ? { file: await this.file() } : { link: this.link() };
	}

	resolution() {
		return this.choice('resolution', 'Resolution', RESOLUTIONS);
	}

	private link(): string {
		const use =
			'Use a link that opens the image itself, without signing in. It starts with https://.';
		return this.webAddress(asText(this.raw('imageUrl', '')), 'Image URL', {
			valid: use,
			public: "Use a link that works on the internet, or set 'Image Source' to 'Binary File'.",
		});
	}

	private async file(): Promise<ImageFile> {
		const field = asText(this.raw('inputBinaryField', 'data'));
		const read = await readImageFile(this.n8n, this.itemIndex, field).catch((error: Error) => {
			throw this.noFile(field, error);
		});
		if ('sha256' in read) return read;
		throw this.invalid(`The file in '${field}' ${read.reason}`, read.advice);
	}

	private noFile(field: string, { message }: Error) {
		const { binary = {} } = this.n8n.getInputData()[this.itemIndex];
		if (field in binary) {
			return this.invalid(
				`The file in '${field}' cannot be read: ${message}`,
				'Run the node again that brings the file.',
			);
		}
		const fields = Object.keys(binary).map((name) => `'${name}'`);
		return this.invalid(
			`The item has no file in a binary field '${field}'`,
			fields.length > 0
				? `It has ${fields.join(', ')}: enter one of these as 'Input Binary Field'.`
				: "It has no files: put a node before this one that brings the file, or set 'Image Source' to 'URL'.",
		);
	}
}

async function readParameters(
	n8n: IExecuteFunctions,
	itemIndex: number,
	baseUrl: string,
): Promise<JobParameters> {
	const parameters = new EnhanceParameters(n8n, itemIndex, baseUrl);
	const { request: shared, ...job } = parameters.job();
	const resolution = parameters.resolution();
	const { link, file } = await parameters.image();
	const request: EnhanceRequest = { ...(link && { image: link }), resolution, ...shared };
	return {
		...job,
		// The API does not tell for sure what an enhanced task was made of.
		reuse: false,
		call: {
			operation: 'enhance',
			request,
			fingerprint: JSON.stringify({
				operation: 'enhance',
				resolution,
				image: link ?? file!.sha256,
			}),
			wanted: {
				inputUrl: link,
				otherArgs: { resolution: resolution === '2k' ? '4k' : '2k' },
			},
			...(file && { upload: { ...file, linkName: 'image' } }),
		},
	};
}
