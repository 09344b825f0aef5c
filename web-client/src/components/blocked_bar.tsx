// Replaces the composer while the other user of a direct conversation is blocked.

import { errorText } from "../logic/refusals";
import { useModel } from "../state/model_context";
import { notify } from "../state/notes";
import { t } from "../text/language";
import { Sentence } from "./sentence";

export function BlockedBar(props: { user: string; name: string }) {
  const { blocks } = useModel();
  const unblock = () => blocks.unblock(props.user).catch((error: unknown) => notify(errorText(error)));
  return (
    <div class="blocked-bar" data-testid="blocked-bar">
      <p><Sentence text={t().block.isBlocked(props.name)} /></p>
      <button type="button" class="button small" data-testid="blocked-bar-unblock" onClick={() => void unblock()}>{t().block.unblock}</button>
    </div>
  );
}
