// One member of a group. The role and the removal are behind a menu, so that the name has the room.

import { For, Show } from "solid-js";
import type { Member, Role } from "../../sdk/index";
import { nameOf } from "../logic/format";
import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Avatar } from "./avatar";
import { CloseIcon } from "./icons";
import { MoreIcon, PersonIcon } from "./more_icons";
import { Menu, MenuItem } from "./menu";
import { Sentence } from "./sentence";

const ROLES = [["owner", "makeOwner"], ["admin", "makeAdmin"], ["member", "makeMember"]] as const;

interface MemberProps {
  member: Member;
  mayRemove: boolean;
  mayChange: boolean;
  onShow: () => void;
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
      <Show when={!isMe()} fallback={<span class="person-name"><Sentence text={t().members.me(name())} /></span>}>
        <button type="button" class="person-name" data-testid="show-profile" title={t().profile.profile} onClick={() => props.onShow()}>{name()}</button>
      </Show>
      <Show when={props.member.role !== "member"}>
        <span class="role">{t().members[props.member.role]}</span>
      </Show>
      <Show when={props.mayRemove || props.mayChange}>
        <Menu label={t().header.moreAbout(name())} testid="member-menu" icon={<MoreIcon />}>
          <For each={others()}>
            {([role, make]) => (
              <MenuItem testid={`member-make-${role}`} icon={<PersonIcon />} onPick={() => props.onRole(role)}>{t().members[make]}</MenuItem>
            )}
          </For>
          <Show when={props.mayRemove}>
            <MenuItem testid="member-remove" icon={<CloseIcon />} isDanger onPick={() => props.onRemove()}><Sentence text={t().members.remove(name())} /></MenuItem>
          </Show>
        </Menu>
      </Show>
    </li>
  );
}
