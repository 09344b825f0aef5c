// Alerts the user of new messages that they do not see: with a notification, and with a sound.

import type { TextEntry } from "../../sdk/index";
import { isFocused } from "../browser/attention";
import { loadAlerts, playTone } from "../browser/alerts";
import { goTo, opened } from "../browser/route";
import { isRequest } from "../logic/conversations";
import { nameOf, titleOf } from "../logic/format";
import { textOrFiles } from "../logic/files";
import { plainText } from "../logic/markdown";
import { t } from "../text/language";
import { unmarked } from "../text/sentence";
import type { Model } from "./model";

/** Older messages were missed while the page was not connected. The list shows them. */
const FRESH_MS = 60_000;
const TONE_PAUSE_MS = 2_000;

/** Starts the alerts. Returns a function that ends them. */
export function startAlerts(model: Model): () => void {
  let lastTone = 0;

  function alertOf(entry: TextEntry): void {
    const conversation = model.conversations.get(entry.conversation);
    const isSeen = isFocused() && opened() === entry.conversation;
    const isFresh = Date.now() - Date.parse(entry.sent_at) < FRESH_MS;
    if (!conversation || isRequest(conversation) || entry.sender === model.me.id || isSeen || !isFresh) return;
    const alerts = loadAlerts();
    if (alerts.notifications && !isFocused()) notify(entry, alerts.previews);
    if (!alerts.sounds || Date.now() - lastTone < TONE_PAUSE_MS) return;
    lastTone = Date.now();
    playTone();
  }

  function notify(entry: TextEntry, hasPreview: boolean): void {
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    const conversation = model.conversations.get(entry.conversation);
    if (!conversation) return;
    const sender = conversation.kind === "group" ? nameOf(model.people.get(entry.sender)) : undefined;
    const text = hasPreview ? textOrFiles(plainText(entry.text ?? ""), entry.attachments) : t().alerts.newMessage;
    const body = sender === undefined ? text : unmarked(t().list.preview(sender, text));
    try {
      const notification = new Notification(titleOf(conversation), { body, tag: entry.conversation, icon: "./icon-192.png" });
      notification.onclick = () => {
        window.focus();
        goTo(entry.conversation);
        notification.close();
      };
    } catch {
      // some phones show notifications only for service workers
    }
  }

  return model.client.on("entry", (entry) => entry.kind === "text" && alertOf(entry));
}
