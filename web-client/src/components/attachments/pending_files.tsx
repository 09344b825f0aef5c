// The files of a message that is not in the log yet.

import { createResource, Show } from "solid-js";
import { describe } from "../../../sdk/attachments";
import { useModel } from "../../state/model_context";
import { AttachedFiles } from "./attached_files";
import { uploadedFile } from "./uploads";

export function PendingFiles(props: { ids: readonly string[]; conversation: string }) {
  const { client, me } = useModel();
  const [files] = createResource(() => props.ids, (ids) => {
    const known = ids.flatMap((id) => uploadedFile(id) ?? []);
    return known.length === ids.length ? known : Promise.all(ids.map((id) => describe(client, id))).catch(() => []);
  });
  return <Show when={files()}>{(all) => <AttachedFiles files={all()} sender={me.id} conversation={props.conversation} />}</Show>;
}
