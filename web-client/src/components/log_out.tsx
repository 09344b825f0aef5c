// Asks before the user logs out, and names the unsent messages that are lost.

import { logOut } from "../state/account";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Question } from "./question";

export function LogOut(props: { onClose: () => void }) {
  const { pending } = useModel();
  const lost = () => (pending.total() > 0 ? ` ${t().logOut.lost(pending.total())}` : "");
  return (
    <Question title={t().logOut.title} confirm={t().logOut.confirm} onConfirm={logOut} onClose={() => props.onClose()}>
      {t().logOut.text}{lost()}
    </Question>
  );
}
