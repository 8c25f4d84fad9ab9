// The GraphiQL page of noren: queries over HTTP, subscriptions over WebSocket.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './main.css';

globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const name = label === 'json' || label === 'graphql' ? label : 'editor';
    return new Worker(`/graphiql/${name}.worker.js`);
  },
};

const endpoint = new URL('/graphql', location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  headers: { 'X-Noren-CSRF': '1' },
  wsClient: createClient({ url: socket.href, lazy: true }),
});

const first = `# noren: press the play button.
{
  products(first: 5) {
    edges { node { name slug } }
  }
}
`;

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL fetcher={fetcher} defaultQuery={first} />,
);
