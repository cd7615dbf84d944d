// Everything that is printed passes through here, so that neither the token nor anybody's address gets out.

const EMAIL =
	/([^\s@%"'`<>()[\]{}=&,;:/?#])[^\s@%"'`<>()[\]{}=&,;:/?#]*(?:@|%40)([^\s@"'`<>()[\]{}=&,;:/?#.])[^\s@"'`<>()[\]{}=&,;:/?#]*/g;
/** What stands behind a link's "?" may be a signature. */
const QUERY = /(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/g;

export class Words {
	private readonly secrets: string[];

	constructor(
		token: string,
		private readonly write: (line: string) => void,
	) {
		// Also what stands behind "user:", and either as it is written in an address.
		const bare = token.replace(/^user:/, '');
		this.secrets = [token, bare]
			.flatMap((secret) => [secret, encodeURIComponent(secret)])
			.filter(Boolean);
	}

	/** "artist@example.com" becomes "a…@e…". */
	hide(text: string): string {
		return this.secrets
			.reduce((hidden, secret) => hidden.replaceAll(secret, '(token)'), text)
			.replace(QUERY, '$1')
			.replace(EMAIL, '$1…@$2…');
	}

	say(text = ''): void {
		this.write(this.hide(text));
	}
}
