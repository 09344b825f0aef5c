// A notice about the conversation: members joined or left, a new title, a new role.

import { Show } from "solid-js";
import type { EntryOf } from "../../sdk/index";
import { listedUpTo } from "../logic/dates";
import { nameOf } from "../logic/format";
import type { NoticeRow } from "../logic/rows";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Sentence } from "./sentence";

const NAMES_MAX = 3;
const MADE = { owner: "madeOwner", admin: "madeAdmin", member: "madeMember" } as const;
const YOU_MADE = { owner: "youMadeOwner", admin: "youMadeAdmin", member: "youMadeMember" } as const;

export function Notice(props: { row: NoticeRow; isDirect: boolean }) {
  const model = useModel();
  const name = (id: string) => nameOf(model.people.get(id));
  const object = (id: string) => (id === model.me.id ? t().notice.you : name(id));

  function joined({ seq, user, invited_by }: EntryOf<"joined">): string | undefined {
    const { sender, alsoAdded = [] } = props.row;
    const isMine = sender === model.me.id;
    const isFirst = seq === 1;
    if (props.isDirect && !isFirst) return undefined;
    if (props.isDirect) return isMine ? t().notice.youStarted : t().notice.started(name(sender));
    if (isFirst) return isMine ? t().notice.youCreated : t().notice.created(name(user));
    if (invited_by !== undefined) return joinedByInvite(user, invited_by);
    if (user === sender) return isMine ? t().notice.youJoined : t().notice.joined(name(user));
    const others = listedUpTo(NAMES_MAX, [user, ...alsoAdded].map(object));
    return isMine ? t().notice.youAdded(others) : t().notice.added(name(sender), others);
  }

  function joinedByInvite(user: string, inviter: string): string {
    if (user === model.me.id) return t().notice.youJoinedByInvite(name(inviter));
    return inviter === model.me.id ? t().notice.joinedByYourInvite(name(user)) : t().notice.joinedByInvite(name(user), name(inviter));
  }

  function left({ user, by }: EntryOf<"left">): string {
    const remover = by ?? props.row.sender;
    const isMine = remover === model.me.id;
    if (remover === user) return isMine ? t().notice.youLeft : t().notice.left(name(user));
    return isMine ? t().notice.youRemoved(object(user)) : t().notice.removed(name(remover), object(user));
  }

  const text = () => {
    const { entry, sender } = props.row;
    const isMine = sender === model.me.id;
    switch (entry.kind) {
      case "joined":
        return joined(entry);
      case "left":
        return left(entry);
      case "role":
        return isMine ? t().notice[YOU_MADE[entry.role]](object(entry.user)) : t().notice[MADE[entry.role]](name(sender), object(entry.user));
      case "title":
        return isMine ? t().notice.youRetitled(entry.title) : t().notice.retitled(name(sender), entry.title);
    }
  };
  return (
    <Show when={text()}>
      {(text) => <p class="notice" data-testid="notice" data-seq={props.row.seq}><Sentence text={text()} /></p>}
    </Show>
  );
}
