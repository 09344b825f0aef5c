// The format and the name of a recorded voice message.

/** In the order in which they are preferred. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const ENDINGS: Record<string, string> = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

/** Returns true if this browser can record. It allows that only on secure pages. */
export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined" && navigator.mediaDevices !== undefined;
}

export function recordingType(): string | undefined {
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type));
}

/** Returns the name by which `kindOf` knows voice messages. */
export function nameOfRecording(at: Date, type: string): string {
  const time = at.toISOString().slice(0, 19).replace(/[T:]/g, "-");
  return `voice-message-${time}.${ENDINGS[type.split(";")[0] ?? ""] ?? "webm"}`;
}
