/** The page of the console. Its bundle is `console.js`, beside `console.css` and `index.html`. */
import { render } from 'preact';

const root = document.getElementById('console');
if (root !== null) render(<p>The console is loading.</p>, root);
