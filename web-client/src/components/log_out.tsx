// Asks before the user logs out, and names the unsent messages that are lost.

import { logOut } from "../state/account";
import { useModel } from "../state/model";
import { Question } from "./question";

export function LogOut(props: { onClose: () => void }) {
  const { pending } = useModel();
  const lost = () => (pending.total() > 0 ? ` Unsent messages: ${pending.total()}. They will not be sent.` : "");
  return (
    <Question title="Log out?" confirm="Log out" onConfirm={logOut} onClose={() => props.onClose()}>
      Your drafts are removed from this device.{lost()}
    </Question>
  );
}
