// The dialog that opens a direct conversation.

import type { User } from "../../sdk";
import { goTo } from "../browser/route";
import { useModel } from "../state/model";
import { notify, errorText } from "../state/notes";
import { Dialog } from "./dialog";
import { PeopleSearch } from "./people_search";

export function NewDirect(props: { onClose: () => void }) {
  const model = useModel();
  async function open(user: User): Promise<void> {
    try {
      const details = await model.client.rest.openDirect(user.id);
      model.conversations.upsert(details);
      props.onClose();
      goTo(details.id);
    } catch (error) {
      notify(errorText(error));
    }
  }
  return (
    <Dialog title="New conversation" testid="new-direct-dialog" onClose={() => props.onClose()}>
      <PeopleSearch onPick={(user) => void open(user)} />
    </Dialog>
  );
}
