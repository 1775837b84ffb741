/** Contents of a result file that are wrong for some time, although a client receives them whole. */

const linesOf = (content: string) => content.split('\n').filter((line) => line !== '');
const asContent = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** Returns the content with every other line, from the first on, replaced by one of another file. */
export function withForeignLines(content: string): string {
  const foreign = (line: string, nth: number) =>
    nth % 2 === 1 ? line : line.replace(/"custom_id":"/, '"custom_id":"of-another-file-');
  return asContent(linesOf(content).map(foreign));
}

/** Returns the first half of the lines; none of a single one. */
export function halfOfTheLines(content: string): string {
  const lines = linesOf(content);
  return asContent(lines.slice(0, Math.floor(lines.length / 2)));
}
