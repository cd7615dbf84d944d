/** A JSON string, or a run of 16 digits or more that stands on its own as an integer. Strings come first so that their digits are left alone. */
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/**
 * `JSON.parse` that keeps integers past 2^53 exact by handing them over as strings: the API's ids are numbers
 * (kling-api.md, "Ids are sent as strings and come back as numbers") and a rounded id is another task's id.
 *
 * @returns the parsed value, or `undefined` when the text is not JSON
 */
export function parseJson(text: string): unknown {
	const quoted = text.replace(STRING_OR_LONG_INTEGER, (token) =>
		token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
	);
	try {
		return JSON.parse(quoted);
	} catch {
		return undefined;
	}
}
