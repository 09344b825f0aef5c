// A sentence in which names and titles keep their own direction of writing.

import { For } from "solid-js";
import { piecesOf } from "../text/sentence";

export function Sentence(props: { text: string | undefined }) {
  return <For each={piecesOf(props.text ?? "")}>{(piece) => (piece.isIsolated ? <bdi>{piece.text}</bdi> : piece.text)}</For>;
}
