// A notice about the conversation: members joined or left, a new title, a new role.

import { Show } from "solid-js";
import type { Role } from "../../sdk/index";
import { listedUpTo, nameOf } from "../logic/format";
import type { NoticeRow } from "../logic/rows";
import { useModel } from "../state/model";

const ROLES: Record<Role, string> = { owner: "an owner", admin: "an admin", member: "a plain member" };

const NAMES_MAX = 3;

export function Notice(props: { row: NoticeRow; isDirect: boolean }) {
  const model = useModel();
  const name = (id: string) => (id === model.me.id ? "You" : nameOf(model.people.get(id)));
  const object = (id: string) => (id === model.me.id ? "you" : name(id));
  const text = () => {
    const { entry, sender } = props.row;
    switch (entry.kind) {
      case "joined":
        if (props.isDirect) return entry.seq === 1 ? `${name(sender)} started the conversation` : undefined;
        if (entry.seq === 1) return `${name(entry.user)} created the group`;
        if (entry.user === sender) return `${name(entry.user)} joined`;
        return `${name(sender)} added ${listedUpTo(NAMES_MAX, [entry.user, ...(props.row.alsoAdded ?? [])].map(object))}`;
      case "left":
        return (entry.by ?? sender) === entry.user
          ? `${name(entry.user)} left`
          : `${name(entry.by ?? sender)} removed ${object(entry.user)}`;
      case "role":
        return `${name(sender)} made ${object(entry.user)} ${ROLES[entry.role]}`;
      case "title":
        return `${name(sender)} changed the title to “${entry.title}”`;
    }
  };
  return (
    <Show when={text()}>
      <p class="notice" data-testid="notice" data-seq={props.row.seq}>
        {text()}
      </p>
    </Show>
  );
}
