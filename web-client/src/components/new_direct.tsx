// The dialog that opens a direct conversation.

import { createSignal, Show } from "solid-js";
import type { User } from "../../sdk/index";
import { nameOf } from "../logic/format";
import { directRefusal } from "../logic/more_refusals";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Dialog } from "./dialog";
import { openDirect } from "./open_direct";
import { PeopleSearch } from "./people_search";
import { Sentence } from "./sentence";

export function NewDirect(props: { onClose: () => void }) {
  const model = useModel();
  const [error, setError] = createSignal<string>();
  async function open(user: User): Promise<void> {
    setError(undefined);
    try {
      await openDirect(model, user.id);
      props.onClose();
    } catch (error) {
      setError(directRefusal(error, nameOf(user)));
    }
  }
  return (
    <Dialog title={t().list.newConversation} testid="new-direct-dialog" onClose={() => props.onClose()}>
      <Show when={error()}>
        <p class="form-error" role="alert" data-testid="dialog-error"><Sentence text={error()} /></p>
      </Show>
      <PeopleSearch onPick={(user) => void open(user)} />
    </Dialog>
  );
}
