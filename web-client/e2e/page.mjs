// Actions of a user on the page, by `data-testid`.

import { DEADLINE_MS, equal, eventually } from "./harness.mjs";

export const PASSWORD = "correct horse battery";

export const by = (page, id) => page.getByTestId(id);

export async function register(page, username, displayName) {
  await by(page, "show-register").click();
  await by(page, "register-username").fill(username);
  await by(page, "register-display-name").fill(displayName);
  await by(page, "register-password").fill(PASSWORD);
  await by(page, "register-submit").click();
  await by(page, "me").waitFor();
  await waitOnline(page);
}

export async function logIn(page, username, password = PASSWORD) {
  await by(page, "login-username").fill(username);
  await by(page, "login-password").fill(password);
  await by(page, "login-submit").click();
  await by(page, "me").waitFor();
  await waitOnline(page);
}

/** Registers two people, each in a context. The first one opens a direct conversation, and the second one accepts it. */
export async function meet(harness, one, other) {
  const ada = await harness.person("ada");
  const grace = await harness.person("grace", { colorScheme: "dark" });
  await register(ada.page, one.username, one.name);
  await register(grace.page, other.username, other.name);
  await openDirect(ada.page, other);
  await acceptRequest(grace.page, one.name);
  return [ada, grace];
}

/** Answers the question that a dialog asks. */
export const confirm = (page) => by(page, "question-confirm").click();

/** Opens the question before a log-out. */
export async function askToLogOut(page) {
  await by(page, "me").click();
  await by(page, "log-out").click();
  await by(page, "question").waitFor();
}

export async function logOut(page) {
  await askToLogOut(page);
  await confirm(page);
  await by(page, "login-username").waitFor();
}

export async function waitFor(page, state, ms) {
  const connection = by(page, "connection");
  await eventually(state, async () => (await connection.getAttribute("data-state")) === state, ms);
}

export const waitOnline = (page, ms) => waitFor(page, "online", ms);

export async function search(page, username) {
  await by(page, "people-search").fill(username);
  await page.locator(`[data-testid=people-result][data-username="${username}"]`).click();
}

/** Finds a person, and opens the direct conversation with that person. */
export async function openDirect(page, { username, name }) {
  await by(page, "new-direct").click();
  await search(page, username);
  await by(page, "header-title").filter({ hasText: name }).waitFor();
}

export async function openConversation(page, title) {
  const named = by(page, "conversation-title").getByText(title, { exact: true });
  await by(page, "conversation-item").filter({ has: named }).first().click();
  await by(page, "header-title").filter({ hasText: title }).waitFor();
}

export async function openRequest(page, title) {
  if ((await by(page, "requests").getAttribute("aria-expanded")) === "false") await by(page, "requests").click();
  const named = by(page, "conversation-title").getByText(title, { exact: true });
  await by(page, "request-list").getByTestId("conversation-item").filter({ has: named }).click();
  await by(page, "request-bar").waitFor();
}

/** Accepts a request, and leaves it closed. */
export async function acceptRequest(page, title) {
  await by(page, "requests").waitFor();
  await openRequest(page, title);
  await by(page, "request-accept").click();
  await by(page, "request-bar").waitFor({ state: "detached" });
  await page.evaluate(() => (location.hash = "#/"));
  await by(page, "conversation-list").getByTestId("conversation-item").filter({ hasText: title }).waitFor();
}

export async function send(page, text) {
  await by(page, "composer").fill(text);
  await by(page, "send").click();
}

/** Returns the message with exactly this text. */
export function message(page, text) {
  return by(page, "message").filter({ has: page.getByTestId("message-text").getByText(text, { exact: true }) });
}

export async function clickAction(page, text, action) {
  await message(page, text).locator(".bubble").hover();
  await message(page, text).getByTestId(action).click();
}

export async function reachesState(page, text, states, ms) {
  const row = message(page, text);
  await eventually(
    `"${text}" ${states.join(" or ")}`,
    async () => (await row.count()) === 1 && states.includes(await row.getAttribute("data-state")),
    ms,
  );
}

export async function appearsOnce(page, text, ms = DEADLINE_MS) {
  await message(page, text).first().waitFor({ timeout: ms });
  equal(await message(page, text).count(), 1, `messages "${text}"`);
}

/** Answers a request with an error. */
export const refuse = (route, status, code) =>
  route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ code, message: "refused", retryable: false }) });

/** Holds back requests while `work` runs. It gets a function with which they fail. */
export async function whileHeld(page, pattern, work) {
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  const held = [];
  const hold = (route) => {
    const answered = ended.then((how) => (how === "failed" ? refuse(route, 404, "not_found") : route.continue())).catch(() => undefined); // the page may have given up
    held.push(answered);
    return answered;
  };
  await page.route(pattern, hold);
  try {
    await work(() => end("failed"));
  } finally {
    end("released");
    await Promise.all(held);
    await page.unroute(pattern, hold);
  }
}

/** Blocks WebSockets and polls of a page from its next load until `open` is called. Other REST calls still work. */
export async function disconnect(page) {
  const sockets = await blockSockets(page);
  let isBlocked = true;
  await page.route("**/v1/poll", (route) => (isBlocked ? route.abort() : route.continue()));
  return {
    open: () => {
      isBlocked = false;
      sockets.open();
    },
  };
}

/** Blocks WebSockets of a page from its next load until `open` is called. */
export async function blockSockets(page) {
  let isBlocked = true;
  await page.routeWebSocket(/\/v1\/ws$/, (socket) => (isBlocked ? socket.close() : socket.connectToServer()));
  return { open: () => (isBlocked = false) };
}

/** Waits until the message is on the screen, not only in the document. */
export async function isVisible(page, text) {
  await eventually(`"${text}" visible`, () =>
    message(page, text).evaluate((row) => {
      const box = row.closest("[data-testid=timeline]").getBoundingClientRect();
      const { top, bottom } = row.getBoundingClientRect();
      return top >= box.top && bottom <= box.bottom;
    }),
  );
}

/** Sends many messages over REST with the login of this page. */
export async function sendMany(page, conversation, texts) {
  const bodies = texts.map((text) => ({ client_id: clientId(), text }));
  await postAll(page, `/v1/conversations/${conversation}/messages`, bodies);
}

export async function openGroups(page, count) {
  const bodies = Array.from({ length: count }, (_, at) => ({ kind: "group", title: `Group ${at}`, members: [] }));
  await postAll(page, "/v1/conversations", bodies);
}

export async function openGroup(page, title, members) {
  await postAll(page, "/v1/conversations", [{ kind: "group", title, members }]);
}

/** Registers a user who has no page, and returns their id. */
export async function registerOverRest(page, username, display_name) {
  const answer = await page.request.post(new URL("/v1/users", page.url()).href, { data: { username, password: PASSWORD, display_name } });
  equal(answer.status(), 201, "status of the registration");
  return (await answer.json()).user.id;
}

/** Edits a message over REST with the login of this page. */
export const edit = (page, conversation, seq, text) =>
  call(page, "PATCH", `/v1/conversations/${conversation}/messages/${seq}`, { client_id: clientId(), text });

/** Changes the title of a group over REST. */
export const rename = (page, conversation, title) =>
  call(page, "PATCH", `/v1/conversations/${conversation}`, { title });

/** Changes the display name of the user of this page over REST. */
export const changeName = (page, display_name) => call(page, "PATCH", "/v1/me", { display_name });

export const userId = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("confab.user")).id);

/** Returns the id of the conversation that the page shows. */
export const openedId = (page) => page.evaluate(() => location.hash.split("/").at(-1));

let calls = 0;
const clientId = () => `call-${Date.now()}-${(calls += 1)}`;

async function postAll(page, path, bodies) {
  for (const body of bodies) await call(page, "POST", path, body);
}

/** Makes a REST call with the login of this page. Waits while the gateway limits the rate. */
async function call(page, method, path, body) {
  await page.evaluate(
    async ([method, path, body, key]) => {
      const { access_token } = JSON.parse(localStorage.getItem("confab.login"));
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${access_token}`, "Idempotency-Key": key };
      for (;;) {
        const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
        if (answer.ok) return;
        if (answer.status !== 429) throw new Error(`${method} ${path}: the gateway answered ${answer.status}`);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    },
    [method, path, body, clientId()],
  );
}

/** Scrolls up until the first message is loaded. */
export async function scrollToBeginning(page) {
  const timeline = by(page, "timeline");
  await eventually(
    "the start of the conversation",
    async () => {
      await timeline.evaluate((box) => (box.scrollTop = 0));
      await page.waitForTimeout(60);
      return page.getByText("This is the start of the conversation.").isVisible();
    },
    30_000,
  );
}

/** Scrolls up until a message is in the document. Only messages near the view are. */
export async function scrollUpTo(page, text) {
  await eventually(`"${text}" found`, async () => {
    await by(page, "timeline").evaluate((box) => (box.scrollTop -= box.clientHeight / 2));
    await page.waitForTimeout(60);
    return (await message(page, text).count()) > 0;
  });
}

/** Scrolls from the start to the end, and returns the texts of all messages. Only those near the view are in the document. */
export async function allTexts(page) {
  return by(page, "timeline").evaluate(async (box) => {
    const texts = new Map();
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight / 2) {
      await frame();
      for (const row of box.querySelectorAll("[data-testid=message]")) {
        texts.set(Number(row.dataset.seq), row.querySelector("[data-testid=message-text]").textContent);
      }
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break;
    }
    return [...texts].sort(([a], [b]) => a - b).map(([, text]) => text);
  });
}

/** Returns how many rows of messages the page makes because of `act`, until the view is at rest again. */
export async function rowsMade(page, act) {
  const REST_MS = 400;
  await page.waitForTimeout(REST_MS);
  await by(page, "timeline").evaluate((box) => {
    const rowsIn = (node) => (node.matches?.("[data-testid=message]") ? 1 : (node.querySelectorAll?.("[data-testid=message]").length ?? 0));
    let made = 0;
    const observer = new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => (made += rowsIn(node)))));
    observer.observe(box, { childList: true, subtree: true });
    box.endCount = () => {
      observer.disconnect();
      return made;
    };
  });
  await act();
  await page.waitForTimeout(REST_MS);
  return by(page, "timeline").evaluate((box) => box.endCount());
}

/** Returns how many pixels a row moved on the screen while an older page was inserted above it. */
export async function movedByOlderPage(page) {
  return by(page, "timeline").evaluate(async (box) => {
    const rows = () => [...box.querySelectorAll("[data-testid=message]")];
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const height = box.scrollHeight;
    box.scrollTop = 300;
    await frame();
    const { seq } = rows().find((row) => row.getBoundingClientRect().top > box.getBoundingClientRect().top).dataset;
    const top = () => box.querySelector(`[data-seq="${seq}"]`).getBoundingClientRect().top;
    const before = top();
    const end = Date.now() + 5_000;
    while (box.scrollHeight <= height + 500 && Date.now() < end) await frame();
    if (box.scrollHeight <= height + 500) throw new Error("no older page was loaded");
    await frame();
    await frame();
    return Math.abs(top() - before);
  });
}

/** Counts the open sockets of pages, from their next load on. */
export function countSockets(pages) {
  const sockets = pages.map((page) => {
    const open = new Set();
    page.on("websocket", (socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    });
    for (const end of ["close", "framenavigated"]) page.on(end, () => open.clear());
    return { page, open };
  });
  return {
    count: () => sockets.reduce((sum, { open }) => sum + open.size, 0),
    /** The page that has a socket. */
    connected: () => sockets.find(({ open }) => open.size > 0)?.page,
  };
}
