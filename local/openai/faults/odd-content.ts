/** Contents of a result file that are temporarily wrong, although a client receives them completely. */

const linesOf = (content: string) => content.split('\n').filter((line) => line !== '');
const asContent = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** Returns the content with every other line, from the first on, replaced by a line of another file. */
export function withForeignLines(content: string): string {
  const foreign = (line: string, nth: number) =>
    nth % 2 === 1 ? line : line.replace(/"custom_id":"/, '"custom_id":"of-another-file-');
  return asContent(linesOf(content).map(foreign));
}

/** Returns the first half of the lines; none if there is only one. */
export function halfOfTheLines(content: string): string {
  const lines = linesOf(content);
  return asContent(lines.slice(0, Math.floor(lines.length / 2)));
}
