/** Request files for the pictures: reviews to classify. What they say is made up. */
interface RequestFile {
  readonly rows: number;
  readonly model: string;
  /** Makes the file different from others. */
  readonly salt: string;
  /** Of a hundred rows, so many fail. */
  readonly failing?: number;
}

const PRODUCTS = ['kettle', 'desk lamp', 'backpack', 'headphones', 'rain jacket', 'coffee grinder'];
const OPINIONS = [
  'It arrived two days late, but it does what it should.',
  'The handle broke within a week, and nobody answers my mails.',
  'Exactly as described. I would buy it again.',
  'Much smaller than it looks in the picture, still fine for the price.',
  'My third one. The first still works after six years.',
];
const FAILURES = ['fail:400', 'fail:422', 'fail:400', 'fail:403'];

/** Returns the file as JSON Lines. */
export function reviewsToClassify({ rows, model, salt, failing = 0 }: RequestFile): string {
  return Array.from({ length: rows }, (_, at) => `${JSON.stringify(request(at))}\n`).join('');

  function request(at: number): object {
    const review = `${OPINIONS[(at * 7) % OPINIONS.length]} (${PRODUCTS[at % PRODUCTS.length]})`;
    const failure = FAILURES[at % FAILURES.length];
    return {
      custom_id: `review-${salt}-${at + 1}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: {
        model,
        max_tokens: 60,
        messages: [
          { role: 'system', content: 'Answer with the sentiment, the topic, and a summary of five words.' },
          { role: 'user', content: review },
        ],
        ...((at * 37) % 100 < failing && { metadata: { batchdrop_local: failure } }),
      },
    };
  }
}
