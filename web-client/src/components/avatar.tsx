// The initials of a user or group on a colour, with an optional presence dot.

import { Show } from "solid-js";
import { initialsOf, tintOf } from "../logic/format";
import { PresenceDot } from "./presence_dot";

interface AvatarProps {
  id: string;
  name: string;
  size?: "small" | "large";
  /** The user whose presence the dot shows. */
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
