// Prints `N passed, N failed` from the test runner's report. A missing report, or one without tests, is an error.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
if (!report.numTotalTests) throw new Error('the test runner ran no test');
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed`);
