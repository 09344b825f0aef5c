// Asks before the user logs out, and names the unsent messages and the running uploads that are lost.

import { logOut } from "../state/account";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { runningUploads } from "./attachments/uploads";
import { Question } from "./question";

export function LogOut(props: { onClose: () => void }) {
  const { client, pending } = useModel();
  const text = () => {
    const [messages, uploads] = [pending.count(), runningUploads(client)];
    const lost = [messages > 0 && t().logOut.lost(messages), uploads > 0 && t().logOut.uploads(uploads)];
    return [t().logOut.text, ...lost].filter(Boolean).join(" ");
  };
  return (
    <Question title={t().logOut.title} confirm={t().logOut.confirm} onConfirm={logOut} onClose={() => props.onClose()}>
      {text()}
    </Question>
  );
}
