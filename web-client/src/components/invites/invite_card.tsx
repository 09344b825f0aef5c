// Above the log-in and the registration: the group that the user joins after it, because they have opened an invite.

import { createResource, Match, Switch } from "solid-js";
import { previewInvite } from "../../../sdk/invites";
import { goTo } from "../../browser/route";
import { environment } from "../../state/account";
import { t } from "../../text/language";
import { Skeleton } from "../skeleton";
import { InvitedGroup } from "./invited_group";
import { inviteRefusal } from "./words";
import "../../styles/invites.css";

export function InviteCard(props: { code: string }) {
  const [preview] = createResource(() => previewInvite(environment, props.code));
  return (
    <section class="invite-card" aria-label={t().invite.invite} data-testid="invite-card">
      <Switch>
        <Match when={preview.error}>
          <p role="alert" data-testid="invite-refused">{inviteRefusal(preview.error)}</p>
        </Match>
        <Match when={preview()}>
          {(it) => (
            <>
              <InvitedGroup group={it().conversation} />
              <p class="dialog-hint">{t().invite.logInToJoin}</p>
              <button type="button" class="text-button" data-testid="invite-not-now" onClick={() => goTo(undefined)}>{t().invite.notNow}</button>
            </>
          )}
        </Match>
        <Match when={preview.loading}>
          <Skeleton kind="people" count={1} testid="invite-loading" />
        </Match>
      </Switch>
    </section>
  );
}
