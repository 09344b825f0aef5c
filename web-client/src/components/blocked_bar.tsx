// Replaces the composer while the other user of a direct conversation is blocked.

import { errorText } from "../logic/refusals";
import { useModel } from "../state/model";
import { notify } from "../state/notes";

export function BlockedBar(props: { user: string; name: string }) {
  const { blocks } = useModel();
  const unblock = () => blocks.unblock(props.user).catch((error: unknown) => notify(errorText(error)));
  return (
    <div class="blocked-bar" data-testid="blocked-bar">
      <p>You have blocked {props.name}.</p>
      <button type="button" class="button small" data-testid="blocked-bar-unblock" onClick={() => void unblock()}>Unblock</button>
    </div>
  );
}
