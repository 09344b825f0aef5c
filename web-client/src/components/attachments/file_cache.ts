// The contents of files as object URLs. Those that are shown stay, and of the others the newest, up to a number of bytes.

export interface HeldFile {
  url: Promise<string>;
  /** Called when the file is no longer shown. */
  release: () => void;
}

interface CachedFile {
  url: Promise<string>;
  size: number;
  holds: number;
}

const UNUSED_BYTES_MAX = 48 << 20;

export class FileCache {
  /** Least recently used first. */
  readonly #files = new Map<string, CachedFile>();

  constructor(
    private readonly read: (id: string) => Promise<Blob>,
    private readonly bytesMax = UNUSED_BYTES_MAX,
  ) {}

  /** Returns the content of a file, and keeps it until it is released. A file that could not be read is read again the next time. */
  hold(id: string, size: number): HeldFile {
    const file = this.#files.get(id) ?? { url: this.read(id).then((blob) => URL.createObjectURL(blob)), size, holds: 0 };
    file.holds += 1;
    this.#files.delete(id);
    this.#files.set(id, file);
    file.url.catch(() => this.#files.get(id) === file && this.#files.delete(id));
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      file.holds -= 1;
      this.#dropUnused();
    };
    return { url: file.url, release };
  }

  #dropUnused(): void {
    const unused = [...this.#files].filter(([, file]) => file.holds === 0);
    let bytes = unused.reduce((sum, [, file]) => sum + file.size, 0);
    for (const [id, file] of unused) {
      if (bytes <= this.bytesMax) return;
      bytes -= file.size;
      this.#files.delete(id);
      file.url.then((url) => URL.revokeObjectURL(url), () => undefined);
    }
  }
}
