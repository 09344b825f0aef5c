// The profile of another person, and what this user can do: write to them, block them.

import { createSignal, onMount, Show } from "solid-js";
import { now } from "../browser/attention";
import { dateOf } from "../logic/dates";
import { lastSeen, nameOf } from "../logic/format";
import { directRefusal } from "../logic/more_refusals";
import { errorText } from "../logic/refusals";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { isolated } from "../text/sentence";
import { Avatar } from "./avatar";
import { BlockQuestion } from "./block_question";
import { Dialog } from "./dialog";
import { openDirect } from "./open_direct";
import { Sentence } from "./sentence";
import "../styles/profile.css";

export function Profile(props: { user: string; onClose: () => void }) {
  const model = useModel();
  const user = () => model.people.get(props.user);
  const name = () => nameOf(user());
  const [isAsking, setAsking] = createSignal(false);
  const [error, setError] = createSignal<string>();
  onMount(() => void model.blocks.load().catch(() => undefined)); // without them, the person can be blocked again

  async function attempt(work: () => Promise<void>, explain: (error: unknown) => string): Promise<void> {
    setError(undefined);
    await work().catch((problem: unknown) => setError(explain(problem)));
  }

  async function write(): Promise<void> {
    await openDirect(model, props.user);
    props.onClose();
  }

  return (
    <Dialog title={isolated(name())} testid="profile" onClose={() => props.onClose()}>
      <div class="profile">
        <Avatar id={props.user} name={name()} size="large" user={props.user} />
        <p class="profile-username"><bdi>@{user()?.username}</bdi></p>
        <p class="profile-presence" data-testid="profile-presence"><Sentence text={lastSeen(model.people.presence(props.user), now())} /></p>
        <Show when={user()?.created_at}>{(at) => <p class="dialog-hint"><Sentence text={t().profile.since(dateOf(at()))} /></p>}</Show>
      </div>
      <Show when={error()}>
        <p class="form-error" role="alert" data-testid="dialog-error"><Sentence text={error()} /></p>
      </Show>
      <button
        type="button" class="button primary wide" data-testid="profile-write"
        onClick={() => void attempt(write, (problem) => directRefusal(problem, name()))}
      >
        {t().profile.write}
      </button>
      <Show
        when={model.blocks.has(props.user)}
        fallback={<button type="button" class="button danger wide" data-testid="profile-block" onClick={() => setAsking(true)}>{t().block.confirm}</button>}
      >
        <button
          type="button" class="button wide" data-testid="profile-unblock"
          onClick={() => void attempt(() => model.blocks.unblock(props.user), errorText)}
        >
          {t().block.unblock}
        </button>
      </Show>
      <Show when={isAsking()}>
        <BlockQuestion user={props.user} name={name()} onClose={() => setAsking(false)} />
      </Show>
    </Dialog>
  );
}
