// Asks before a user is blocked.

import { useModel } from "../state/model_context";
import { t } from "../text/language";
import { Question } from "./question";
import { Sentence } from "./sentence";

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
    <Question title={t().block.title(props.name)} confirm={t().block.confirm} onConfirm={block} onClose={() => props.onClose()}>
      <Sentence text={t().block.text(props.name)} />
    </Question>
  );
}
