// Where the page is served. A proxy may serve it under a path, such as `/chat/`.

/** Returns the URL of the page's folder, without a slash at the end. The gateway's calls are below it. */
export function gatewayUrl(): string {
  return new URL(".", document.baseURI).href.replace(/\/$/, "");
}

/** Returns a storage key of this page. Pages under different paths of one origin do not share their storage. */
export function storageKey(name: string): string {
  const path = new URL(gatewayUrl()).pathname.replace(/\/$/, "");
  return `confab${path}.${name}`;
}
