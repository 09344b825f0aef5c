// A person's or a group's initials on a colour of their own, with a presence dot where asked for.

import { Show } from "solid-js";
import { initialsOf, tintOf } from "../logic/format";
import { PresenceDot } from "./presence_dot";

interface AvatarProps {
  id: string;
  name: string;
  size?: "small" | "large";
  /** Whose presence the dot shows. */
  user?: string | undefined;
}

export function Avatar(props: AvatarProps) {
  return (
    <span class={`avatar tint-${tintOf(props.id)} ${props.size ?? ""}`}>
      <span aria-hidden="true">{initialsOf(props.name)}</span>
      <Show when={props.user}>{(user) => <PresenceDot user={user()} />}</Show>
    </span>
  );
}
