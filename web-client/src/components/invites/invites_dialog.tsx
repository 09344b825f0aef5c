// The links that lead into a group: make one, pass it on, end it. For the group's admins.

import { createSignal, For, Match, onMount, Show, Switch } from "solid-js";
import type { Conversation } from "../../../sdk/index";
import { createInvite, endInvite, type Invite, type InviteOptions, listInvites } from "../../../sdk/invites";
import { titleOf } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { t } from "../../text/language";
import { Dialog } from "../dialog";
import { Question } from "../question";
import { Skeleton } from "../skeleton";
import { InviteForm } from "./invite_form";
import { InviteItem } from "./invite_item";
import { InviteLink } from "./invite_link";
import "../../styles/settings.css";
import "../../styles/invites.css";

interface InvitesProps {
  conversation: Conversation;
  onClose: () => void;
}

export function InvitesDialog(props: InvitesProps) {
  const { client } = useModel();
  const id = () => props.conversation.id;
  const [invites, setInvites] = createSignal<readonly Invite[]>();
  const [shown, setShown] = createSignal<Invite>();
  const [ending, setEnding] = createSignal<Invite>();
  const [error, setError] = createSignal<string>();

  async function load(): Promise<void> {
    setError(undefined);
    await listInvites(client, id()).then(setInvites, (problem: unknown) => setError(errorText(problem)));
  }
  onMount(() => void load());

  async function create(options: InviteOptions): Promise<void> {
    const invite = await createInvite(client, id(), options);
    setInvites((all = []) => [invite, ...all]);
    setShown(invite);
  }

  async function revoke({ code }: Invite): Promise<void> {
    await endInvite(client, code);
    setInvites((all = []) => all.filter((invite) => invite.code !== code));
  }

  return (
    <Dialog
      title={t().invite.byLink} testid="invites-dialog" onClose={() => props.onClose()}
      onBack={shown() && (() => setShown(undefined))}
    >
      <Show when={shown()} fallback={<InviteForm onCreate={create} />}>
        {(invite) => <InviteLink invite={invite()} title={titleOf(props.conversation)} />}
      </Show>
      <Show when={!shown()}>
        <h3 class="invites-heading">{t().invite.live}</h3>
        <Switch>
          <Match when={error()}>
            <p class="form-error" role="alert">{error()}</p>
            <button type="button" class="button" onClick={() => void load()}>{t().page.tryAgain}</button>
          </Match>
          <Match when={!invites()}>
            <Skeleton kind="lines" count={2} testid="invites-loading" />
          </Match>
          <Match when={invites()?.length === 0}>
            <p class="dialog-hint" data-testid="invites-none">{t().invite.none}</p>
          </Match>
        </Switch>
        <ul class="invites-list">
          <For each={invites()}>
            {(invite) => <InviteItem invite={invite} onShow={() => setShown(invite)} onRevoke={() => setEnding(invite)} />}
          </For>
        </ul>
      </Show>
      <Show when={ending()} keyed>
        {(invite) => (
          <Question
            title={t().invite.revokeTitle} confirm={t().invite.revoke} onConfirm={() => revoke(invite)} onClose={() => setEnding(undefined)}
          >
            {t().invite.revokeText}
          </Question>
        )}
      </Show>
    </Dialog>
  );
}
