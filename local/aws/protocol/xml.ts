/** What an element holds: text, or elements by name in writing order; an array repeats its element, undefined leaves it out. */
export type XmlContent =
  | string
  | number
  | boolean
  | { readonly [element: string]: XmlContent | readonly XmlContent[] | undefined };

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// Control characters are written as references: XML 1.0 has no place for most of them, yet S3 keys may hold them and
// S3 writes them so; a reader's newline normalisation would also change a bare CR.
const escapeText = (text: string): string =>
  text.replace(/[&<>"\p{Cc}\ufffe\uffff]/gu, (found) => {
    const code = found.charCodeAt(0).toString(16).toUpperCase();
    return NAMED[found] ?? `&#x${code};`;
  });

/** A whole XML document; AWS's services have each a namespace of their own, and some documents have none. */
export function writeDocument(root: string, content: XmlContent, namespace?: string): string {
  const attribute = namespace === undefined ? '' : ` xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${writeContent(content)}</${root}>`;
}

function writeElement(name: string, content: XmlContent | readonly XmlContent[] | undefined): string {
  if (content === undefined) return '';
  if (isList(content)) return content.map((item) => writeElement(name, item)).join('');
  return `<${name}>${writeContent(content)}</${name}>`;
}

const isList = (content: XmlContent | readonly XmlContent[]): content is readonly XmlContent[] =>
  Array.isArray(content);

const writeContent = (content: XmlContent): string =>
  typeof content === 'object'
    ? Object.entries(content)
        .map(([name, inner]) => writeElement(name, inner))
        .join('')
    : escapeText(String(content));
