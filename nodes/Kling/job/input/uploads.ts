import type { IExecuteFunctions } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { oddAnswer, unwrap, type Problem } from '../../runtime/problems';
import { retryTransient } from '../../runtime/retry';
import { record, text } from '../../transport/json';
import { openFile, type ImageFile } from './imageFile';

type Uploaded = { link: string } | { problem: Problem };

/** Uploads files to Kling accounts, each once however many items of the node have it. It spends nothing, so it is tried again. */
export class Uploads {
	/** By account and content. */
	private readonly uploaded = new Map<string, Promise<Uploaded>>();

	constructor(private readonly context: Context<IExecuteFunctions>) {}

	/** @throws the reason to stop */
	async upload(file: ImageFile, itemIndex: number, account = ''): Promise<Uploaded> {
		const key = `${account.toLowerCase()} ${file.sha256}`;
		const uploading = this.uploaded.get(key) ?? this.send(file, itemIndex, account);
		this.uploaded.set(key, uploading);
		const result = await uploading;
		// Another item tries anew.
		if ('problem' in result) this.uploaded.delete(key);
		return result;
	}

	private async send(file: ImageFile, itemIndex: number, account: string): Promise<Uploaded> {
		const { n8n, api, cancellation } = this.context;
		const result = await retryTransient(cancellation, async () => {
			const content = await openFile(n8n, itemIndex, file.field);
			try {
				return await api.upload({ ...file, content }, account);
			} finally {
				// Whoever has answered early has not read it to its end.
				if ('destroy' in content) content.destroy();
			}
		});
		const got = unwrap(result);
		if (got.problem) return { problem: uploadProblem(got.problem) };
		// assumes: asset-upload
		const link = text(record(got.body).url);
		return link
			? { link }
			: { problem: uploadProblem(oddAnswer('the answer of useapi.net names no link')) };
	}
}

const CHECK_ACCOUNT =
	"Check the file and 'Account'. With several Kling accounts connected to useapi.net, 'Account' must be filled in.";

function uploadProblem({ message, description, httpCode }: Problem): Problem {
	const next = httpCode === '400' || httpCode === '404' ? CHECK_ACCOUNT : description;
	return {
		message: `The file could not be uploaded: ${message}`,
		description: `No job was sent, so nothing was spent on this item. ${next}`,
		...(httpCode && { httpCode }),
	};
}
