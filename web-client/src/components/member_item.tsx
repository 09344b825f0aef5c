// One member of a group. The role and the removal are behind a menu, so that the name has the room.

import { For, Show } from "solid-js";
import type { Member, Role } from "../../sdk/index";
import { nameOf } from "../logic/format";
import { useModel } from "../state/model";
import { Avatar } from "./avatar";
import { CloseIcon, MoreIcon, PersonIcon } from "./icons";
import { Menu, MenuItem } from "./menu";

const ROLES: [Role, string][] = [
  ["owner", "Make an owner"],
  ["admin", "Make an admin"],
  ["member", "Make a plain member"],
];

interface MemberProps {
  member: Member;
  mayRemove: boolean;
  mayChange: boolean;
  onRemove: () => void;
  onRole: (role: Role) => void;
}

export function MemberItem(props: MemberProps) {
  const model = useModel();
  const name = () => nameOf(model.people.get(props.member.user));
  const isMe = () => props.member.user === model.me.id;
  const others = () => ROLES.filter(([role]) => props.mayChange && role !== props.member.role);
  return (
    <li class="member" data-testid="member-item" data-user={props.member.user} data-role={props.member.role}>
      <Avatar id={props.member.user} name={name()} size="small" user={isMe() ? undefined : props.member.user} />
      <span class="person-name">{isMe() ? `${name()} (you)` : name()}</span>
      <Show when={props.member.role !== "member"}>
        <span class="role">{props.member.role}</span>
      </Show>
      <Show when={props.mayRemove || props.mayChange}>
        <Menu label={`More about ${name()}`} testid="member-menu" icon={<MoreIcon />}>
          <For each={others()}>
            {([role, text]) => (
              <MenuItem testid={`member-make-${role}`} icon={<PersonIcon />} onPick={() => props.onRole(role)}>{text}</MenuItem>
            )}
          </For>
          <Show when={props.mayRemove}>
            <MenuItem testid="member-remove" icon={<CloseIcon />} isDanger onPick={() => props.onRemove()}>Remove {name()}</MenuItem>
          </Show>
        </Menu>
      </Show>
    </li>
  );
}
