/** IPv4 ranges that exist only within a machine or a private network (RFC 1918, 3927, 6598 and loopback). */
const PRIVATE_IPV4 =
	/^(0|10|127)\.|^169\.254\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./;
/** Loopback, unique local and link-local IPv6 addresses, and IPv4 ones in IPv6's clothes. */
const PRIVATE_IPV6 = /^\[(::1?\]|f[cd]|fe[89ab]|::ffff:)/i;
/** Names that the internet's name service does not know; a name without a dot is one of a private network. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|lan|home|test)$|^[^.[]+$/i;

/**
 * Whether an address can only be reached from nearby. It goes by what the address says: names are not looked up, so a
 * public name that leads to a private network counts as public.
 *
 * @param url a web address; what is none counts as private, since nobody can reach it
 */
export function isPrivate(url: string): boolean {
	if (!URL.canParse(url)) return true;
	const { hostname } = new URL(url);
	return PRIVATE_IPV4.test(hostname) || PRIVATE_IPV6.test(hostname) || PRIVATE_NAME.test(hostname);
}
