// The group that an invite leads to: its title, and how many members it has.

import { initialsOf, tintOf } from "../../logic/format";
import { t } from "../../text/language";
import { Sentence } from "../sentence";

interface Group {
  id: string;
  title?: string;
  member_count: number;
}

export function InvitedGroup(props: { group: Group }) {
  const title = () => props.group.title?.trim() || t().list.untitled;
  return (
    <div class="invited-group" data-testid="invited-group">
      <span class={`avatar tint-${tintOf(props.group.id)}`} aria-hidden="true">{initialsOf(title())}</span>
      <p>
        <span class="invited-title"><Sentence text={t().invite.invitedTo(title())} /></span>
        <span class="invited-members">{t().invite.members(props.group.member_count)}</span>
      </p>
    </div>
  );
}
