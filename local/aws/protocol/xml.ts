/**
 * The content of an element: text, or child elements by name in order. An array repeats an element; undefined omits it.
 */
export type XmlContent =
  | string
  | number
  | boolean
  | { readonly [element: string]: XmlContent | readonly XmlContent[] | undefined };

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// Writes control characters as references, as S3 does: XML 1.0 allows few of them, but S3 keys may contain them. Also,
// a parser's newline normalization would change a bare CR.
const escapeText = (text: string): string =>
  text.replace(/[&<>"\p{Cc}\ufffe\uffff]/gu, (found) => {
    const code = found.charCodeAt(0).toString(16).toUpperCase();
    return NAMED[found] ?? `&#x${code};`;
  });

/** Returns an XML document; each AWS service has its own namespace, and some documents have none. */
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
