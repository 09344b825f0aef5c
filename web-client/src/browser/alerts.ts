// Which alerts this device shows for new messages: notifications and sounds.

import { storageKey } from "./place";
import { readStored, writeStored } from "./storage";

export interface Alerts {
  notifications: boolean;
  /** Whether notifications show the text of the message. */
  previews: boolean;
  sounds: boolean;
}

const DEFAULTS: Alerts = { notifications: false, previews: true, sounds: true };

export function loadAlerts(): Alerts {
  try {
    return { ...DEFAULTS, ...(JSON.parse(readStored(storageKey("alerts")) ?? "{}") as Partial<Alerts>) };
  } catch {
    return DEFAULTS;
  }
}

export const saveAlerts = (alerts: Alerts): void => writeStored(storageKey("alerts"), JSON.stringify(alerts));

/** Asks the user to allow notifications. Returns true if the browser may show them. */
export async function allowNotifications(): Promise<boolean> {
  if (!("Notification" in globalThis)) return false;
  return Notification.permission === "granted" || (await Notification.requestPermission()) === "granted";
}

const TONE_HZ = 660;
const TONE_S = 0.18;

/** Plays a short, soft tone. Browsers allow it after the user has used the page. */
export function playTone(): void {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.gain.setValueAtTime(0.08, context.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + TONE_S);
  const tone = context.createOscillator();
  tone.frequency.value = TONE_HZ;
  tone.connect(gain).connect(context.destination);
  tone.onended = () => void context.close();
  tone.start();
  tone.stop(context.currentTime + TONE_S);
}
