// A labelled text field, with an error below it.

import { createUniqueId, onMount, Show } from "solid-js";
import "../styles/field.css";

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
  error?: string | undefined;
}

export function Field(props: FieldProps) {
  const errorId = createUniqueId();
  let input!: HTMLInputElement;
  onMount(() => props.autofocus && input.focus());
  return (
    <div class="field">
      <label>
        <span class="field-label">
          {props.label}
          <Show when={props.hint}>
            <span class="field-hint">{props.hint}</span>
          </Show>
        </span>
        <input
          ref={input} class="input" name={props.name} type={props.type ?? "text"} data-testid={props.testid}
          autocomplete={props.autocomplete ?? "off"} autocapitalize="none" spellcheck={false}
          placeholder={props.placeholder ?? ""} maxLength={props.type === "password" ? undefined : (props.maxLength ?? 256)}
          autofocus={props.autofocus ?? false} required={!props.isOptional} value={props.value}
          aria-invalid={props.error !== undefined} aria-describedby={props.error === undefined ? undefined : errorId}
          onInput={(event) => props.onValue(event.currentTarget.value)}
        />
      </label>
      <Show when={props.error}>
        <p id={errorId} class="form-error" role="alert" data-testid={`${props.testid}-error`}>{props.error}</p>
      </Show>
    </div>
  );
}
