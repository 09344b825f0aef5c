// Files for the scenarios: images, sounds and videos that need no program to make them.

import { crc32, deflateSync } from "node:zlib";

const SAMPLES_PER_SECOND = 8_000;
const VIDEO_MS = 1_200;

/** Returns a PNG image: a gradient from one colour to another. */
export function png(width, height, [from, to]) {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const part = (x / width + y / height) / 2;
      for (let band = 0; band < 3; band += 1) rows[y * (1 + 3 * width) + 1 + 3 * x + band] = from[band] + (to[band] - from[band]) * part;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // bits of a colour, and that there are three
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(name, content) {
  const named = Buffer.concat([Buffer.from(name), content]);
  const whole = Buffer.alloc(8 + named.length);
  whole.writeUInt32BE(content.length, 0);
  whole.set(named, 4);
  whole.writeUInt32BE(crc32(named), 4 + named.length);
  return whole;
}

/** Returns a WAV file with a tone. */
export function wav(seconds) {
  const count = SAMPLES_PER_SECOND * seconds;
  const sound = Buffer.alloc(44 + count, 128);
  sound.write("RIFF", 0);
  sound.writeUInt32LE(36 + count, 4);
  sound.write("WAVEfmt ", 8);
  sound.writeUInt32LE(16, 16);
  sound.writeUInt16LE(1, 20); // without compression
  sound.writeUInt16LE(1, 22); // channels
  sound.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  sound.writeUInt32LE(SAMPLES_PER_SECOND, 28);
  sound.writeUInt16LE(1, 32);
  sound.writeUInt16LE(8, 34);
  sound.write("data", 36);
  sound.writeUInt32LE(count, 40);
  for (let at = 0; at < count; at += 1) sound[44 + at] = 128 + 60 * Math.sin((at * 440 * 2 * Math.PI) / SAMPLES_PER_SECOND);
  return sound;
}

/** Returns a WebM video that this page has recorded. */
export async function webm(page) {
  const base64 = await page.evaluate(async (ms) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const context = canvas.getContext("2d");
    const parts = [];
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const began = performance.now();
    await new Promise((resolve) => {
      const draw = () => {
        const time = performance.now() - began;
        context.fillStyle = `hsl(${time / 10} 60% 40%)`;
        context.fillRect(0, 0, 320, 180);
        if (time < ms) requestAnimationFrame(draw);
        else resolve();
      };
      draw();
    });
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, VIDEO_MS);
  return Buffer.from(base64, "base64");
}
