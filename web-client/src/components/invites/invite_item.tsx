// One live invite in the list: what is left of it, and buttons that show and end it.

import { Show } from "solid-js";
import type { Invite } from "../../../sdk/invites";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";
import { Sentence } from "../sentence";
import { momentOf } from "./words";

interface ItemProps {
  invite: Invite;
  onShow: () => void;
  onRevoke: () => void;
}

export function InviteItem(props: ItemProps) {
  return (
    <li class="settings-row" data-testid="invite-item" data-code={props.invite.code}>
      <span class="settings-row-text">
        <bdi class="invite-code">{props.invite.code}</bdi>
        <span class="settings-row-hint"><InviteTerms invite={props.invite} /></span>
      </span>
      <button
        type="button" class="button small" data-testid="invite-show" aria-label={unmarked(t().invite.showLink(props.invite.code))}
        onClick={() => props.onShow()}
      >
        {t().invite.show}
      </button>
      <button
        type="button" class="button small danger" data-testid="invite-revoke" aria-label={unmarked(t().invite.revokeLink(props.invite.code))}
        onClick={() => props.onRevoke()}
      >
        {t().invite.revoke}
      </button>
    </li>
  );
}

/** How many people may still join, and until when. */
export function InviteTerms(props: { invite: Invite }) {
  return (
    <>
      <Show when={props.invite.uses_left} fallback={t().invite.anyNumber}>{(count) => t().invite.left(count())}</Show>
      {" · "}
      <Sentence text={t().invite.until(momentOf(props.invite.expires_at))} />
    </>
  );
}
