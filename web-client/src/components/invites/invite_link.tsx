// An invite to pass on: its link, with buttons that copy and share it, and a QR code.

import { Show } from "solid-js";
import type { Invite } from "../../../sdk/invites";
import { copyText } from "../../browser/clipboard";
import { gatewayUrl } from "../../browser/place";
import { notify } from "../../state/notes";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { InviteTerms } from "./invite_item";
import { QrCode } from "./qr_code";

/** Returns the address by which people open an invite. Without a public address, the server names only a path. */
const addressOf = ({ url, code }: Invite) => (/^https?:/.test(url) ? url : `${gatewayUrl()}/i/${code}`);

export function InviteLink(props: { invite: Invite; title: string }) {
  const url = () => addressOf(props.invite);
  const copy = () => copyText(url()).then(() => notify(t().invite.copied), () => notify(t().invite.notCopied));
  const share = () => navigator.share({ title: unmarked(t().invite.invitedTo(props.title)), url: url() }).catch(() => undefined); // the user may cancel it
  return (
    <div class="invite-link">
      <QrCode text={url()} label={unmarked(t().invite.qr(props.title))} />
      <input
        class="input" readonly dir="ltr" aria-label={t().invite.link} data-testid="invite-url" value={url()}
        onFocus={(event) => event.currentTarget.select()}
      />
      <p class="dialog-hint"><InviteTerms invite={props.invite} /></p>
      <div class="invite-buttons">
        <button type="button" class="button primary" data-testid="invite-copy" onClick={() => void copy()}>{t().invite.copy}</button>
        <Show when={"share" in navigator}>
          <button type="button" class="button" data-testid="invite-share" onClick={() => void share()}>{t().invite.share}</button>
        </Show>
      </div>
    </div>
  );
}
