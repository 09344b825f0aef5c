// Whether the user has left the page.

const AWAY_AFTER_MS = 5 * 60_000;

/** Reports the device as away when the page has been hidden for some minutes. */
export function reportAway(report: (on: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAway = false;
  const setAway = (away: boolean) => {
    if (isAway !== away) report(away);
    isAway = away;
  };
  const changed = () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") setAway(false);
    else timer = setTimeout(() => setAway(true), AWAY_AFTER_MS);
  };
  document.addEventListener("visibilitychange", changed);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
  };
}
