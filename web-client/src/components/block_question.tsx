// Asks before a user is blocked.

import { useModel } from "../state/model";
import { Question } from "./question";

interface BlockQuestionProps {
  user: string;
  name: string;
  /** Runs after the user is blocked. */
  onBlocked?: () => Promise<void>;
  onClose: () => void;
}

export function BlockQuestion(props: BlockQuestionProps) {
  const { blocks } = useModel();
  const block = async () => {
    await blocks.block(props.user);
    await props.onBlocked?.();
  };
  return (
    <Question title={`Block ${props.name}?`} confirm="Block" onConfirm={block} onClose={() => props.onClose()}>
      {props.name} can no longer write to you or add you to groups, and does not see when you are online. You can unblock
      people in the settings.
    </Question>
  );
}
