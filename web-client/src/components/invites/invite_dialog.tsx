// Asks a logged-in user who has opened an invite if they want to join its group. A user who has logged in to join does so at once.

import { createResource, createSignal, Match, onMount, Show, Switch } from "solid-js";
import { acceptInvite, previewInvite } from "../../../sdk/invites";
import { goTo, joinsAtOnce } from "../../browser/route";
import { environment } from "../../state/account";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Dialog } from "../dialog";
import { Sentence } from "../sentence";
import { Skeleton } from "../skeleton";
import { InvitedGroup } from "./invited_group";
import { inviteRefusal } from "./words";
import "../../styles/invites.css";

export function InviteDialog(props: { code: string; onClose: () => void }) {
  const model = useModel();
  const attempt = model.client.newId(); // a repeat after a lost answer joins once
  const [preview] = createResource(() => previewInvite(environment, props.code));
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<string>();
  const refusal = () => error() ?? (preview.error ? inviteRefusal(preview.error) : undefined);
  const isMember = () => model.conversations.get(preview()?.conversation.id ?? "") !== undefined;

  async function join(): Promise<void> {
    if (busy()) return;
    setBusy(true);
    setError(undefined);
    try {
      const details = await acceptInvite(model.client, props.code, attempt);
      model.conversations.upsert(details);
      goTo(details.id);
    } catch (problem) {
      setError(inviteRefusal(problem));
      setBusy(false);
    }
  }
  onMount(() => joinsAtOnce(props.code) && void join());

  return (
    <Dialog title={t().invite.invite} testid="invite-dialog" onClose={() => props.onClose()}>
      <Show when={refusal()}>
        <p class="form-error" role="alert" data-testid="invite-refused"><Sentence text={refusal()} /></p>
      </Show>
      <Switch>
        <Match when={preview.loading}>
          <Skeleton kind="people" count={1} testid="invite-loading" />
        </Match>
        <Match when={!preview.error && preview()}>
          {(it) => (
            <>
              <InvitedGroup group={it().conversation} />
              <Show when={isMember()}>
                <p class="dialog-hint">{t().invite.isMember}</p>
              </Show>
            </>
          )}
        </Match>
      </Switch>
      <div class="dialog-buttons">
        <button type="button" class="button" data-testid="invite-not-now" onClick={() => props.onClose()}>
          {refusal() ? t().page.close : t().invite.notNow}
        </button>
        <Show when={!preview.error && preview()}>
          <button type="button" class="button primary" data-testid="invite-join" autofocus aria-disabled={busy()} onClick={() => void join()}>
            {isMember() ? t().invite.open : t().invite.join}
          </button>
        </Show>
      </div>
    </Dialog>
  );
}
