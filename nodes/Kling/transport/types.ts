import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	ILoadOptionsFunctions,
	IWebhookFunctions,
} from 'n8n-workflow';

/** Whatever n8n offers where this package calls the API. */
export type ApiFunctions =
	| IExecuteFunctions
	| IHookFunctions
	| ILoadOptionsFunctions
	| IWebhookFunctions;

/** Node's readable stream, by way of n8n's types: a community node may not import Node's own modules. */
export type ByteStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Uint8Array
>;

/**
 * What GET /v1/kling/tasks/{task_id} and POST /v1/kling/images/upscale answer (kling-api.md, "GET /v1/kling/tasks";
 * the vendor's page, "Model"). The vendor says that every field is optional, so nothing here may be relied on:
 * `parseTask` reads it field by field. Times are epoch milliseconds.
 * assumes: task-model, accepted
 */
export interface TaskModel extends IDataObject {
	task?: IDataObject;
	works?: IDataObject[];
	status_name?: string;
	status_final?: boolean;
	message?: string;
	error?: string;
}

/** The calls that spend credits: POST /v1/kling/images/{operation}. */
export type PaidOperation = 'enhance' | 'upscale';

/** What every request that spends credits may name. */
export interface PaidRequest extends IDataObject {
	email?: string;
	maxJobs?: number;
	replyUrl?: string;
	replyRef?: string;
}

/** Body of POST /v1/kling/images/upscale (the vendor's page, "Request Body"). Ids are sent as strings. */
export interface UpscaleRequest extends PaidRequest {
	task_id: string;
	workId: string;
}

/** Body of POST /v1/kling/images/enhance (the vendor's page, "Request Body"). */
export interface EnhanceRequest extends PaidRequest {
	/** A link that Kling can open. Of a file it is put in once the file is uploaded. */
	image?: string;
	resolution: '2k' | '4k';
}

/** Body of POST /v1/kling/assets: the bytes themselves. */
export interface FileContent {
	content: ByteStream | Uint8Array;
	mimeType: string;
	bytes: number;
}

/** One call's outcome, told apart by what it means for money: was the request answered, never sent, or is it unknown? */
export type ApiResult =
	| {
			outcome: 'answered';
			status: number;
			/** Parsed JSON; of an error answer in plain text `{ error: text }`, of one that is a web page or empty `undefined`. */
			body: unknown;
			/** From the Retry-After header, if there is one. */
			retryAfterMs?: number;
	  }
	/** The request did not leave this machine, so nothing can have been spent. */
	| { outcome: 'unsent'; reason: string }
	/** Sent, but no whole answer came back: the request may have been carried out. */
	| { outcome: 'lost'; reason: string };
