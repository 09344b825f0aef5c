// A labelled text field.

import { onMount, Show } from "solid-js";

interface FieldProps {
  label: string;
  name: string;
  testid: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "password";
  hint?: string;
  autocomplete?: string;
  placeholder?: string;
  maxLength?: number;
  isOptional?: boolean;
  autofocus?: boolean;
}

export function Field(props: FieldProps) {
  let input!: HTMLInputElement;
  onMount(() => props.autofocus && input.focus());
  return (
    <label class="field">
      <span class="field-label">
        {props.label}
        <Show when={props.hint}>
          <span class="field-hint">{props.hint}</span>
        </Show>
      </span>
      <input
        ref={input} class="input" name={props.name} type={props.type ?? "text"} data-testid={props.testid}
        autocomplete={props.autocomplete ?? "off"} autocapitalize="none" spellcheck={false}
        placeholder={props.placeholder ?? ""} maxLength={props.maxLength ?? 256}
        autofocus={props.autofocus ?? false} required={!props.isOptional} value={props.value} onInput={(event) => props.onValue(event.currentTarget.value)}
      />
    </label>
  );
}
