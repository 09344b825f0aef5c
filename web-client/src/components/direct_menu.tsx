// The menu of a direct conversation: show the other user, block or unblock them, hide the conversation.

import { createSignal, Show } from "solid-js";
import type { Conversation } from "../../sdk/index";
import { isRequest } from "../logic/conversations";
import { titleOf } from "../logic/format";
import { errorText } from "../logic/refusals";
import { useModel } from "../state/model_context";
import { notify } from "../state/notes";
import { t } from "../text/language";
import { BlockQuestion } from "./block_question";
import { later } from "./later";
import { Menu, MenuItem } from "./menu";
import { BlockIcon, EyeOffIcon, MoreIcon, PersonIcon } from "./more_icons";
import { Sentence } from "./sentence";

const Profile = later(async () => (await import("./profile")).Profile);

export function DirectMenu(props: { conversation: Conversation; peer: string }) {
  const model = useModel();
  const [isAsking, setAsking] = createSignal(false);
  const [showsProfile, setShowsProfile] = createSignal(false);
  const name = () => titleOf(props.conversation);

  async function attempt(work: () => Promise<void>, done: string): Promise<void> {
    try {
      await work();
      notify(done);
    } catch (error) {
      notify(errorText(error));
    }
  }

  return (
    <>
      <Menu
        label={t().header.moreAbout(name())} testid="conversation-menu" icon={<MoreIcon />}
        onOpen={() => void model.blocks.load().catch(() => undefined)}
      >
        <MenuItem testid="show-profile" icon={<PersonIcon />} onPick={() => setShowsProfile(true)}>{t().profile.profile}</MenuItem>
        <Show when={!isRequest(props.conversation)}>
          <MenuItem
            testid="hide" icon={<EyeOffIcon />}
            onPick={() => void attempt(() => model.hide(props.conversation.id), t().header.isHidden(name()))}
          >
            {t().header.hide}
          </MenuItem>
        </Show>
        <Show
          when={model.blocks.has(props.peer)}
          fallback={<MenuItem testid="block" icon={<BlockIcon />} isDanger onPick={() => setAsking(true)}><Sentence text={t().header.block(name())} /></MenuItem>}
        >
          <MenuItem
            testid="unblock" icon={<BlockIcon />}
            onPick={() => void attempt(() => model.blocks.unblock(props.peer), t().header.isUnblocked(name()))}
          >
            <Sentence text={t().header.unblock(name())} />
          </MenuItem>
        </Show>
      </Menu>
      <Show when={showsProfile()}>
        <Profile user={props.peer} onClose={() => setShowsProfile(false)} />
      </Show>
      <Show when={isAsking()}>
        <BlockQuestion user={props.peer} name={name()} onClose={() => setAsking(false)} />
      </Show>
    </>
  );
}
