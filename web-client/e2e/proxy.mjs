// A reverse proxy before the gateway. It can serve it under a path, like `location /chat/ { proxy_pass http://gateway/; }`,
// and it can misbehave, as proxies do.

import { createServer, request } from "node:http";
import { once } from "node:events";

const CALLS = "/v1/";
const ASSETS = "/assets/";

/** Starts the proxy on a free loopback port. Everything outside its path is 404. */
export async function startProxy(gateway, prefix = "") {
  const refused = [];
  const tunnels = new Set();
  /** What calls of the gateway are answered with: by the gateway, with the status of an error page, or not at all. */
  let answers = "gateway";
  let refusesSockets = false;
  let losesAssets = false;
  const target = (path) => (path.startsWith(`${prefix}/`) ? new URL(path.slice(prefix.length), gateway) : undefined);

  /** Passes a request on. `onRequest` gets the request to the gateway. */
  function forward(incoming, onRequest) {
    const url = target(incoming.url);
    if (!url) refused.push(incoming.url);
    else onRequest(request(url, { method: incoming.method, headers: incoming.headers }));
    return url !== undefined;
  }

  /** Returns true if the proxy itself has answered the request, or never will. */
  function misbehaves(incoming, answer) {
    if (answers === "gateway" || !incoming.url.startsWith(prefix + CALLS)) return false;
    if (answers !== "nothing") answer(answers);
    return true;
  }

  const server = createServer((incoming, answer) => {
    if (misbehaves(incoming, (status) => answer.writeHead(status, { "Content-Type": "text/html" }).end(`<h1>${status}</h1>`))) return;
    if (losesAssets && incoming.url.startsWith(prefix + ASSETS)) return void answer.destroy();
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
    if (misbehaves(incoming, (status) => client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`))) return;
    if (refusesSockets) return void client.destroy();
    const isForwarded = forward(incoming, (outgoing) => {
      outgoing.on("upgrade", (response, socket) => {
        client.write(head(response));
        const tunnel = { client, socket };
        tunnels.add(tunnel);
        socket.pipe(client).pipe(socket);
        socket.on("error", () => client.destroy());
        client.on("close", () => {
          tunnels.delete(tunnel);
          socket.destroy();
        });
      });
      outgoing.on("response", () => client.destroy());
      outgoing.on("error", () => client.destroy());
      outgoing.end();
    });
    if (!isForwarded) client.destroy();
  });

  /** Ends the open sockets, or loses what passes through them if nothing is answered. */
  function disturbTunnels() {
    for (const { client, socket } of tunnels) {
      if (answers !== "nothing") client.destroy();
      socket.unpipe(client);
      client.unpipe(socket);
      client.resume();
      socket.resume();
    }
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}/`,
    /** The paths of requests outside the proxy's path. */
    refused,
    /** Answers calls with this status or, for `nothing`, not at all, until it is set to `gateway`. Open sockets end too. */
    answerWith: (what) => {
      answers = what;
      if (what !== "gateway") disturbTunnels();
      else server.closeAllConnections();
    },
    /** Answers no requests for files of the page while it is on. */
    loseAssets: (on) => (losesAssets = on),
    /** Ends the open sockets, and refuses others while it is on. Requests still pass. */
    refuseSockets: (on) => {
      refusesSockets = on;
      for (const { client } of tunnels) client.destroy();
    },
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
