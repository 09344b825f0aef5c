// Shown while no conversation is open.

import mark from "../mark.svg";
import { t } from "../text/language";

export function EmptyPane() {
  return (
    <div class="empty">
      <img src={mark} alt="" width="56" height="56" />
      <h2>{t().list.yours}</h2>
      <p>{t().list.pickOne}</p>
    </div>
  );
}
