/** IPv4 ranges that are no part of the internet (RFC 6890): loopback, private, link-local, documentation, multicast. */
const PRIVATE_IPV4 =
	/^(0|10|127|22[4-9]|2[345]\d)\.|^169\.254\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^192\.0\.[02]\.|^198\.(1[89]|51\.100)\.|^203\.0\.113\./;
/** All of the internet's IPv6 addresses begin with 2 or 3 (RFC 4291); among them are some that stand for IPv4 ones, and examples. */
const PUBLIC_IPV6 = /^\[(?!2002:|2001:0?:|2001:db8:)[23][\da-f]{3}:/;
/** Names that the internet's name service does not know; a name without a dot is one of a private network. */
const PRIVATE_NAME =
	/(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|lan|home|home\.arpa|test)$|^[^.]+$/;

/**
 * Whether an address can only be reached from nearby. It goes by what the address says: names are not looked up, so a
 * public name that leads to a private network counts as public.
 *
 * @param url a web address; what is none counts as private, since nobody can reach it
 */
export function isPrivate(url: string): boolean {
	if (!URL.canParse(url)) return true;
	// In lower case, and with every way to write an IP address made one, by the URL standard. A dot at the end changes nothing.
	const host = new URL(url).hostname.replace(/\.$/, '');
	if (host.startsWith('[')) return !PUBLIC_IPV6.test(host);
	// Names may begin with a number as well: 0.tunnel.example.com.
	return /^[\d.]+$/.test(host) ? PRIVATE_IPV4.test(host) : PRIVATE_NAME.test(host);
}
