// n8n's verification scan as ESLint's configuration: `npm run scan` holds the sources and the packed tarball to it.
import { buildScanConfig } from '@n8n/scan-community-package/scanner/scanner.mjs';

export default await buildScanConfig();
