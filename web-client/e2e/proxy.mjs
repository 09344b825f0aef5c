// A reverse proxy that serves the gateway under a path, like `location /chat/ { proxy_pass http://gateway/; }`.

import { createServer, request } from "node:http";
import { once } from "node:events";

const PREFIX = "/chat";

/** Starts the proxy on a free loopback port. Everything outside its path is 404. */
export async function startPrefixProxy(gateway) {
  const refused = [];
  const target = (path) => (path.startsWith(`${PREFIX}/`) ? new URL(path.slice(PREFIX.length), gateway) : undefined);

  /** Passes a request on. `onRequest` gets the request to the gateway. */
  function forward(incoming, onRequest) {
    const url = target(incoming.url);
    if (!url) refused.push(incoming.url);
    else onRequest(request(url, { method: incoming.method, headers: incoming.headers }));
    return url !== undefined;
  }

  const server = createServer((incoming, answer) => {
    const isForwarded = forward(incoming, (outgoing) => {
      outgoing.on("response", (response) => {
        answer.writeHead(response.statusCode, response.headers);
        response.pipe(answer);
      });
      outgoing.on("error", () => answer.destroy());
      answer.on("close", () => outgoing.destroy());
      incoming.pipe(outgoing);
    });
    if (!isForwarded) answer.writeHead(404).end("outside the path of the proxy");
  });

  server.on("upgrade", (incoming, client) => {
    client.on("error", () => client.destroy());
    const isForwarded = forward(incoming, (outgoing) => {
      outgoing.on("upgrade", (response, socket) => {
        client.write(head(response));
        socket.pipe(client).pipe(socket);
        socket.on("error", () => client.destroy());
        client.on("close", () => socket.destroy());
      });
      outgoing.on("response", () => client.destroy());
      outgoing.on("error", () => client.destroy());
      outgoing.end();
    });
    if (!isForwarded) client.destroy();
  });

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}${PREFIX}/`,
    /** The paths of requests outside the proxy's path. */
    refused,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function head({ statusCode, statusMessage, rawHeaders }) {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
