// Runs the audits of graphql-http against a running server and fails on any error
// or warning. Notices (MAY) are printed and pass.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
if (!url) {
  console.error('usage: node audit.mjs URL');
  process.exit(2);
}

let failed = 0, passed = 0;
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn();
  if (result.status === 'ok') { passed++; continue; }
  console.log(`${result.status}: ${audit.id} ${audit.name}: ${result.reason}`);
  if (result.status !== 'notice') failed++;
}
console.log(`${passed} audits passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
