// Shown while no conversation is open.

import { opened } from "../browser/route";
import mark from "../mark.svg";

export function EmptyPane() {
  return (
    <div class="empty" hidden={opened() !== undefined}>
      <img src={mark} alt="" width="56" height="56" />
      <h2>Your conversations live here</h2>
      <p>Pick one from the list, or start a new one.</p>
    </div>
  );
}
