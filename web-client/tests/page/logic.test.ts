import { describe, expect, it } from "vitest";
import type { Member, OutboxItem } from "../../sdk/index";
import { deviceName } from "../../src/browser/device";
import { daysApart, initialsOf, lastSeen, nameOf, tintOf, TINTS, titleOf } from "../../src/logic/format";
import { stateOfEntry, stateOfItem } from "../../src/logic/message_state";
import { withReceipt } from "../../src/logic/receipts";
import { startsDay, continuesRun } from "../../src/logic/grouping";
import { partsOf } from "../../src/logic/text";
import { rowsOf } from "../../src/logic/rows";
import { C, ME, OTHER, textEntry } from "../sdk/gateway";

const member = (user: string, delivered_seq: number, read_seq: number): Member => ({
  user,
  role: "member",
  joined_seq: 1,
  delivered_seq,
  read_seq,
});

describe("state of a message", () => {
  it("message state is that of the slowest member", () => {
    const members = [member(ME, 0, 0), member("2", 9, 9), member("3", 8, 7)];
    expect([7, 8, 9, 10].map((seq) => stateOfEntry(seq, members, ME))).toEqual(["read", "delivered", "sent", "sent"]);
  });

  it("message state ignores members who joined later", () => {
    const later = { ...member("2", 20, 20), joined_seq: 15 };
    expect(stateOfEntry(10, [member(ME, 0, 0), later], ME)).toBe("sent");
    expect(stateOfEntry(10, [member(ME, 0, 0), later, member("3", 12, 12)], ME)).toBe("read");
  });

  it("receipts only move forward", () => {
    const [moved] = withReceipt([member(OTHER, 5, 3)], { user: OTHER, delivered_seq: 4, read_seq: 6 });
    expect(moved).toMatchObject({ delivered_seq: 6, read_seq: 6 });
  });

  it("unsent message has the state of its outbox item", () => {
    const item = (state: OutboxItem["state"]) => stateOfItem({ state } as OutboxItem);
    expect([item("queued"), item("sent"), item("failed")]).toEqual(["queued", "sent", "failed"]);
  });
});

describe("grouping of rows", () => {
  const at = (seq: number, sent_at: string, sender = OTHER) => textEntry(seq, { sent_at, sender });
  const rows = rowsOf([
    at(1, "2026-03-14T09:00:00.000Z"),
    at(2, "2026-03-14T09:02:00.000Z"),
    at(3, "2026-03-14T09:03:00.000Z", ME),
    at(4, "2026-03-14T09:30:00.000Z", ME),
    at(5, "2026-03-16T09:30:00.000Z", ME),
  ]);

  it("run ends at another sender, a pause or a new day", () => {
    expect(rows.map((row, index) => continuesRun(rows[index - 1], row))).toEqual([false, true, false, false, false]);
  });

  it("day starts when the date changes", () => {
    expect(rows.map((row, index) => startsDay(rows[index - 1], row))).toEqual([true, false, false, false, true]);
  });
});

describe("formatting", () => {
  it("text is split into links and plain text", () => {
    expect(partsOf("see https://example.org/a?b=c, or javascript:alert(1)")).toEqual([
      { text: "see " },
      { text: "https://example.org/a?b=c", href: "https://example.org/a?b=c" },
      { text: ", or javascript:alert(1)" },
    ]);
    expect(partsOf(`<img src=x onerror=alert(1)>`)).toEqual([{ text: `<img src=x onerror=alert(1)>` }]);
    expect(partsOf("https://")).toEqual([{ text: "https://" }]);
    expect(partsOf("")).toEqual([]);
  });

  const links = (text: string) => partsOf(text).filter((part) => part.href).map((part) => `${part.text} ${part.href}`);
  const wiki = "https://en.wikipedia.org/wiki/Rust_(programming_language)";

  it.each([
    [wiki, wiki],
    [`(see ${wiki})`, wiki],
    ["https://example.com/docs（中文说明）了解更多", "https://example.com/docs"],
    ["https://example.com。下一句", "https://example.com"],
    ["HTTPS://EXAMPLE.ORG/x", "HTTPS://EXAMPLE.ORG/x"],
    ["http://localhost:8080/a, then", "http://localhost:8080/a"],
  ])("link in %s is %s", (text, link) => {
    expect(links(text)).toEqual([`${link} ${link}`]);
  });

  it("addresses without a scheme and e-mail addresses are links", () => {
    expect(links("www.example.org/a or ada@example.org.")).toEqual([
      "www.example.org/a http://www.example.org/a",
      "ada@example.org mailto:ada@example.org",
    ]);
  });

  it.each(["https://`rm`", "readme.md and main.rs", "javascript:alert(1)", "//example.org", "ftp://example.org", "data:text/html,x", "https://", "vbscript:x"])(
    "%s is plain text",
    (text) => {
      expect(partsOf(text)).toEqual([{ text }]);
    },
  );

  it("link ends before a change of the writing direction, and no text is lost", () => {
    const text = "https://example.org/\u202egnp.exe and \u2066https://example.com\u2069!";
    expect(partsOf(text)).toEqual([
      { text: "https://example.org/", href: "https://example.org/" },
      { text: "\u202egnp.exe and \u2066" },
      { text: "https://example.com", href: "https://example.com" },
      { text: "\u2069!" },
    ]);
  });

  it("initials come from the name and the colour from the id", () => {
    expect(["Ada Byron", "grace", " ", "李 小龍", "a b c"].map(initialsOf)).toEqual(["AB", "G", "", "李小", "AC"]);
    // A bracket is no initial, and a character of several code points stays whole.
    expect(["Pip (bot)", "e\u0301mile", "👩‍🚀 crew", "!?"].map(initialsOf)).toEqual(["PB", "E\u0301", "👩‍🚀C", "!"]);
    expect(tintOf(C)).toBe(tintOf(C));
    expect(tintOf(C)).toBeLessThan(TINTS);
  });

  it("days are counted by the calendar", () => {
    expect(daysApart(new Date(2026, 2, 13, 23, 59), new Date(2026, 2, 14, 0, 1))).toBe(1);
    expect(daysApart(new Date(2026, 2, 14, 0, 1), new Date(2026, 2, 14, 23, 59))).toBe(0);
  });

  it("presence is described in words", () => {
    const now = new Date("2026-03-14T12:00:00.000Z");
    const offline = (last_seen_at: string) => lastSeen({ user: "1", status: "offline", last_seen_at }, now);
    expect(lastSeen({ user: "1", status: "online" }, now)).toBe("Online");
    expect(lastSeen({ user: "1", status: "unknown" }, now)).toBe("");
    expect(offline("2026-03-14T11:59:50.000Z")).toBe("Last seen \u2068just now\u2069");
    expect(offline("2026-03-14T11:55:00.000Z")).toBe("Last seen \u20685 minutes ago\u2069");
  });

  it("user without a display name is called by the username", () => {
    expect(nameOf({ id: "1", username: "ada", display_name: "  " })).toBe("ada");
    expect(nameOf({ id: "1", username: "ada", display_name: " Ada " })).toBe("Ada");
  });

  it("browser is named after its user agent", () => {
    const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
    const agents = [
      `Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0`,
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0`,
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${webkit} Version/18.0 Mobile/15E148 Safari/604.1`,
      `Mozilla/5.0 (Linux; Android 15) ${webkit} Chrome/140.0.0.0 Mobile Safari/537.36`,
      "curl/8",
    ];
    const names = ["Firefox on Linux", "Edge on Windows", "Safari on iPhone", "Chrome on Android", "Browser"];
    expect(agents.map(deviceName)).toEqual(names);
  });

  it("direct conversation is named after the other user", () => {
    const base = { id: C, head_seq: 0, unread: 0, delivered_seq: 0, read_seq: 0, state: "open" as const, member_count: 2 };
    expect(titleOf({ ...base, kind: "group", title: "Picnic" })).toBe("Picnic");
    expect(titleOf({ ...base, kind: "direct", peer: { id: "1", username: "ada" } })).toBe("ada");
  });
});
