/** What an expression may have given, as the text a user would see; nothing and null are empty. */
export function asText(value: unknown): string {
	if (value === null || value === undefined) return '';
	if (typeof value !== 'object') return String(value).trim();
	try {
		return JSON.stringify(value) ?? '';
	} catch {
		// In a circle, or with numbers that JSON has no form for.
		return 'an object';
	}
}

/** For a sentence about it. */
export function shorten(text: string): string {
	return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
